//! The characters that may be classes.
//!
//! All of them can be told apart by their form alone, in every face that has both: fitted into one box and blurred a
//! little, the ink of two never overlaps by more than [`SAME`]. So Greek Alpha, small o and capital O stand here once, as
//! A or 0, and so do not all letters of an alphabet.

/// Shared ink over joint ink (Jaccard's index of grey images) above which two characters count as the same.
#[cfg(test)]
const SAME: f32 = 0.82;

/// Decimal digits.
pub(super) static DIGITS: &str = "0123456789";

/// Letters: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic, Tifinagh, Lao, N'Ko, Canadian syllabics. Later
/// alphabets are in fewer faces.
pub(super) static LETTERS: &str = concat!(
    "ABCDEFHIJKLMNPQRSTUVWXYZabdefghjmnqrtuyßðþæøŋ",
    "ΓΔΞΣΦΨΩαβγδεζλμξπρςσφχω",
    "ДЖЙЛЦЧШЩЪЫЬЭЮЯЂЉЊѢѦѪѮђљњ",
    "ԱԲԳԴԵԶԷԸԹԺԻԽԾԿՀՁՃՄՅՆՇՈՉՊՋՌՎՏՐՒՔՖաբգդեէըթիլխծկձճմնշչպջռվտփքօֆ",
    "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭჯჰ",
    "אבגדהוזטיךכלםמנעףפץצקרשת",
    "ءآؤإئبةتثجخدذرزسشصضطعغفقكلمنهوىي",
    "ⴰⴱⴳⴴⴵⴶⴺⴻⴼⴽⴾⴿⵀⵁⵂⵃⵄⵆⵇⵈⵊⵋⵌⵍⵐⵒⵓⵔⵕⵖⵗⵘⵚⵛⵜⵞⵡⵢⵣⵤ",
    "ກຂຄງຈຊຍດຕຖທນບປຜຝພມຣລວສຫຮ",
    "ߋߌߍߎߏߐߑߒߓߔߕߖߗߘߙߚߜߝߞߟߡߢߣߤߥ",
    "ᐁᐂᐄᐅᐆᐊᐋᐌᐍᐎᐏᐐᐑᐒᐓᐔᐕᐗᐘᐙᐚᐝᐞᐟᐠᐡᐢᐣᐤᐥᐦᐨᐩᐪᐫᐬᐭᐮᐲᐳᐴᐸᐹᐺᐻᐼᐽᑀᑁᑂᑃᑄᑅᑆᑇᑉᑍᑏᑐᑑᑕᑖᑗᑘᑙᑚᑛᑜᑝᑞᑟᑠᑡᑢᑣᑤᑥᑦᑧᑩ",
    "ᑫᑬᑭᑮᑯᑰᑱᑲᑳᑴᑵᑶᑷᑸᑹᑺᑻᑼᑽᑾᑿᒀᒁᒂᒃᒄᒅᒆᒇᒈᒉᒊᒋᒌᒍᒎᒏᒐᒑᒒᒓᒔᒕᒖᒗᒘᒙᒚᒛᒜᒝᒞᒟᒠᒡᒢᒣᒤᒦᒧᒨᒩᒫᒬᒭᒮᒯᒰᒱᒲᒳᒴᒵᒶᒷᒸᒹᒺᒻᒼ",
    "ᒽᓀᓁᓂᓃᓄᓅᓇᓈᓉᓊᓋᓍᓐᓒᓓᓔᓕᓖᓗᓘᓙᓚᓛᓜᓝᓞᓟᓠᓡᓢᓣᓤᓥᓦᓧᓨᓩᓪᓬᓭᓮᓯᓰᓱᓲᓳᓴᓵᓶᓷᓸᓹᓺᓻᓼᓽᓾᓿᔀᔁᔂᔃᔄᔅᔇᔐᔑᔒᔓᔔᔕᔖᔗᔘᔙᔚᔛᔜᔝ",
    "ᔞᔟᔠᔡᔢᔣᔤᔥᔦᔧᔨᔩᔪᔫᔬᔭᔮᔯᔰᔱᔲᔳᔴᔵᔶᔷᔸᔹᔺᔻᔼᔽᔾᕂᕃᕄᕅᕆᕇᕈᕉᕊᕋᕌᕍᕎᕏᕐᕒᕓᕔᕕᕖᕗᕘᕙᕚᕛᕜᕝᕞᕟᕠᕡᕢᕣᕤᕥᕦᕧᕨᕪᕴᕵᕶᕷᕸᕹᕺᕻ",
    "ᕾᕿᖀᖁᖂᖃᖄᖅᖊᖋᖌᖍᖎᖏᖐᖑᖒᖓᖔᖕᖖᖠᖢᖣᖤᖥᖦᖧᖨᖩᖪᖫᖬᖭᖮᗡᙇ᙮ᙯᙰᙱᙲᙳᙴᙵᙶ",
);

/// Punctuation, currencies, arrows, mathematics, geometric shapes, pictographs, dingbats.
pub(super) static SYMBOLS: &str = concat!(
    "\"#$%&()*,-/:;<=>?@[\\]^_`{}~¢£¤¥¦§©«¬®±¶»¿×÷",
    "₠₡₢₣₥₧₨₩₪₫€₭₮₯₰₱₲₴₶₷₸₹",
    "←↑→↓↔↕↖↗↘↙↚↛↜↝↢↣↤↥↦↧↩↪↫↬↮↯↰↱↲↳↴↵↶↷↸↹↺↻↼↽↾↿⇀⇁⇂⇃⇄⇅⇆⇇⇈⇉⇊⇋⇌⇍⇎⇏⇐⇑⇒⇓⇖⇗⇘⇙⇚⇛⇞⇟⇤⇥⇦⇧⇨⇩⇬⇱⇲⇳",
    "⇵⇶⇷⇸⇽⇾⇿",
    "∁∂∄∅∈∉∊∋∌∍∎∏∓∔∙√∛∜∝∞∟∠∡∢∤∥∧∨∪∫∬∭∮∯∰∱∲∴∵∷∸∹∺∻∽∾∿≀≁≂≃≄≅≆≇≈≉≋≌≍≎≏≐≑≒≓≔≕≗≘≙≚≛≜≝≞≟≠≡≣",
    "≤≥≦≧≨≩≪≫≬≭≮≯≰≱≲≳≶≷≸≹≺≻≼≽≾≿⊀⊁⊂⊃⊄⊅⊆⊇⊈⊉⊊⊋⊏⊑⊒⊓⊔⊕⊗⊙⊚⊛⊞⊠⊢⊣⊥⊦⊧⊨⊩⊪⊫⊬⊭⊮⊯⊰⊱⊲⊳⊶⊷⊸⊹⊺⊻⊼⊾⊿⋀⋁⋂⋃",
    "⋄⋆⋇⋈⋋⋌⋍⋎⋏⋐⋑⋒⋓⋔⋕⋘⋙⋚⋛⋜⋝⋞⋟⋠⋡⋢⋣⋤⋥⋦⋧⋨⋩⋪⋫⋬⋭⋮⋯⋰⋱⋲⋵⋶⋷⋸⋹⋺⋽⋾⋿",
    "□▣▤▥▦▧▨▫▬▭▯▰▱▲△▵▶▷▹▼▽◀◁◃◆◇◈◉◊○◌◍◎◐◑◒◓◔◖◗◘◚◛◜◝◞◟◠◡◢◣◤◥◧◨◩◪◫◭◮◴◶◸◹◺◿",
    "☀☁☂☃☄☆☇☈☉☊☋☌☍☎☏☑☒☓☔☕☖☗☘☙☚☛☜☝☞☟☠☡☢☣☤☥☦☧☩☪☫☬☭☮☯☰☸☹☽☾☿♀♁♂♃♄♅♆♇♈♉♊♋♌♍♎♏♐♑♒♓♔♕♖♗♘♙♚♛♜",
    "♝♞♠♡♢♣♤♥♦♧♨♩♪♫♬♭♮♯♰♱♲♳♻♼♽♾♿⚃⚆⚌⚐⚑⚒⚓⚔⚕⚖⚗⚘⚙⚚⚛⚜⚞⚟⚡⚢⚣⚤⚥⚦⚧⚨⚩⚭⚮⚯⚰⚱⚳⚴⚵⚶⚷⚸⛀⛁⛂⛃",
    "✁✂✃✄✆✇✈✉✌✍✎✏✐✑✒✓✔✖✘✙✛✜✝✞✟✠✡✢✣✤✥✦✧✩✪✫✬✭✮✯✰✱✲✳✴✵✶✷✸✹✺✻✽✿❀❁❂❄❅❆❈❉❊❋❍❏❐❖❚❛❜❝❞❡❢❥❦❧",
);

#[cfg(test)]
mod tests {
    use super::super::face::{FACES, SIDE, outline};
    use super::super::warp::Warp;
    use super::*;

    type Ink = Vec<f32>;

    /// The plain character, blurred by the binomial weights 1 2 1 along both axes.
    fn ink(face: &'static [u8], character: char) -> Option<Ink> {
        let mut image = vec![0; SIDE * SIDE];
        let mut unused = mnemoscope_core::random::stream(0, "unused", &[]);
        Warp::default().draw(&outline(face, character)?, &mut unused, &mut image);
        let mut sharp: Ink = image.iter().map(|pixel| f32::from(*pixel)).collect();
        for step in [1, SIDE] {
            // Boxes are 20 wide in 28, so nothing reaches the border.
            let at = |i: usize| if i < sharp.len() { sharp[i] } else { 0.0 };
            sharp = (0..sharp.len()).map(|i| at(i.wrapping_sub(step)) + 2.0 * at(i) + at(i + step)).collect();
        }
        Some(sharp)
    }

    fn overlap(a: &Ink, b: &Ink) -> f32 {
        let (shared, joint) =
            a.iter().zip(b).fold((0.0, 0.0), |(shared, joint), (a, b)| (shared + a.min(*b), joint + a.max(*b)));
        shared / joint
    }

    fn alike(a: char, b: char) -> bool {
        FACES.iter().any(|(_, face)| ink(face, a).zip(ink(face, b)).is_some_and(|(a, b)| overlap(&a, &b) > SAME))
    }

    #[test]
    fn no_two_classes_look_the_same_in_any_face() {
        let characters: Vec<char> = [DIGITS, LETTERS, SYMBOLS].iter().flat_map(|list| list.chars()).collect();
        for (family, face) in FACES {
            let all: Vec<(char, Ink)> = characters.iter().filter_map(|c| Some((*c, ink(face, *c)?))).collect();
            for (at, (a, image)) in all.iter().enumerate() {
                for (b, other) in &all[at + 1..] {
                    let shared = overlap(image, other);
                    assert!(shared <= SAME, "{a} and {b} share {shared} of their ink in {family}");
                }
            }
        }
    }

    #[test]
    fn look_alikes_are_known_as_such() {
        // Greek, Cyrillic, Armenian and Tifinagh; small and capital; one sign with several code points.
        for (a, b) in [('A', 'Α'), ('B', 'В'), ('o', 'ο'), ('U', 'Ս'), ('E', 'ⴹ'), ('O', 'o'), ('X', 'x'), ('|', '∣')]
        {
            assert!(alike(a, b), "{a} and {b}");
        }
        for (a, b) in [('A', 'B'), ('3', '8'), ('6', '9'), ('E', 'F')] {
            assert!(!alike(a, b), "{a} and {b}");
        }
    }
}
