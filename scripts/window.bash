# Functions to start the real window on a display of its own and to work it like a person. Sourced by the scripts here.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${MNEMOSCOPE:-$root/target/release/mnemoscope}
scratch=$(mktemp -d)
pids=()

clean_up() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
    echo "$(basename "$0"): $*" >&2
    [ -s "$scratch/log" ] && sed 's/^/    /' "$scratch/log" >&2
    exit 1
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain for $what"
        sleep 0.25
    done
}

# start_display WIDTHxHEIGHT: the window will fill it.
start_display() {
    display_size=$1
    Xvfb -displayfd 3 -screen 0 "${1}x24" -nolisten tcp 3>"$scratch/display" 2>"$scratch/xvfb.log" &
    pids+=($!)
    await 30 "Xvfb" test -s "$scratch/display"
    DISPLAY=:$(cat "$scratch/display")
    export DISPLAY
    unset WAYLAND_DISPLAY WAYLAND_SOCKET
}

# start_window ARGUMENTS...: a first start, with nothing kept from another.
start_window() {
    export HOME=$scratch/home XDG_RUNTIME_DIR=$scratch/runtime
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME
    mkdir -p "$HOME"
    mkdir -p -m 700 "$XDG_RUNTIME_DIR"
    (cd "$scratch" && exec "$program" "$@") >"$scratch/log" 2>&1 &
    window_pid=$!
    pids+=("$window_pid")
    await 60 "the window" has_window
    xdotool windowmove "$window" 0 0 windowsize "$window" "${display_size%x*}" "${display_size#*x}"
    await 60 "the Run button" find_button
    xdotool windowfocus --sync "$window"
    settle
    find_button
}

has_window() {
    kill -0 "$window_pid" 2>/dev/null || fail "the program ended"
    window=$(xdotool search --onlyvisible --class '^mnemoscope$' 2>/dev/null | tail -n 1)
    [ -n "$window" ]
}

# The accent fill of the dark theme (app/figure/src/theme.rs), which only the Run button has in the bar at the top.
find_button() {
    local box
    shot "$scratch/look.png"
    box=$(convert "$scratch/look.png" -crop x48+0+0 +repage -fill black +opaque '#2f6fc0' -fill white -opaque '#2f6fc0' \
        -format '%@' info: 2>/dev/null) || return 1
    [[ $box =~ ^([0-9]+)x([0-9]+)\+([0-9]+)\+([0-9]+)$ ]] || return 1
    local width=${BASH_REMATCH[1]} height=${BASH_REMATCH[2]} left=${BASH_REMATCH[3]} top=${BASH_REMATCH[4]}
    [ "$width" -ge 30 ] && [ "$width" -le 200 ] && [ "$height" -ge 15 ] || return 1
    button_x=$((left + width / 2)) button_y=$((top + height / 2))
}

# shot FILE: a picture of the whole display.
shot() {
    import -silent -window root "$1"
}

# Waits until nothing moves any more.
settle() {
    shot "$scratch/still.png"
    await 30 "the window to stand still" stands_still
}

stands_still() {
    mv "$scratch/still.png" "$scratch/before-still.png"
    sleep 0.3
    shot "$scratch/still.png"
    [ "$(differing "$scratch/before-still.png" "$scratch/still.png")" -eq 0 ]
}

# differing A B [CROP]: how many pixels differ.
differing() {
    convert "$1" "$2" ${3:+-crop "$3" +repage} -metric AE -compare -format '%[distortion]' info: |
        awk '{ printf "%d", $1 }'
}

click() {
    xdotool mousemove --sync "$1" "$2" click 1
}

key() {
    xdotool key --clearmodifiers "$@"
}

# export_run FOLDER: what the menu's "Export the run" writes.
export_run() {
    key ctrl+e
    sleep 0.5
    key ctrl+a
    xdotool type --clearmodifiers --delay 4 "$1"
    key Return
    await 30 "the export" test -s "$1/metrics.json"
}

# exported_steps FOLDER: the step counter of an exported run.
exported_steps() {
    sed -n 's/^  "steps": \([0-9]*\).*/\1/p' "$1/metrics.json"
}
