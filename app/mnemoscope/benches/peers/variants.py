"""Avalanche's plugins with single definitions exchanged for ours, to see which of them makes a difference."""
import torch
import torch.nn.functional as F
from avalanche.core import SupervisedPlugin
from avalanche.training.plugins import MASPlugin, SynapticIntelligencePlugin


class ImportanceBatch(SupervisedPlugin):
    """Another batch size while importances are computed at a task's end; comes before the strategy's own plugin."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def before_training(self, strategy, **kwargs):
        self.usual = getattr(self, "usual", strategy.train_mb_size)
        strategy.train_mb_size = self.usual

    def after_training_exp(self, strategy, **kwargs):
        strategy.train_mb_size = self.size


class CopyingSI(SynapticIntelligencePlugin):
    """`extract_weights` keeps references where the model is on the processor; here they become copies."""

    @staticmethod
    def own(kept):
        for name in kept:
            kept[name].data = kept[name].data.clone()

    def before_training_exp(self, strategy, **kwargs):
        super().before_training_exp(strategy, **kwargs)
        self.own(self.ewc_data[0])

    def before_training_iteration(self, strategy, **kwargs):
        super().before_training_iteration(strategy, **kwargs)
        self.own(self.syn_data["old_theta"])


class DataSI(CopyingSI):
    """The path integral follows the data's loss alone, and importances have no upper bound and never fall below 0."""

    def before_backward(self, strategy, **kwargs):
        self.gradients = torch.autograd.grad(strategy.loss, list(strategy.model.parameters()), retain_graph=True)
        super().before_backward(strategy, **kwargs)

    def after_training_iteration(self, strategy, **kwargs):
        for weights, gradient in zip(strategy.model.parameters(), self.gradients):
            weights.grad = gradient
        super().after_training_iteration(strategy, **kwargs)

    def after_training_exp(self, strategy, **kwargs):
        super().after_training_exp(strategy, **kwargs)
        for name, path in self.syn_data["cum_trajectory"].items():
            path.data = path.data.clamp(max=0)
            self.ewc_data[1][name].data = -path.data


class SummingMAS(MASPlugin):
    """Importances of the tasks add up."""

    def __init__(self, lambda_reg):
        super().__init__(lambda_reg, alpha=0.5)

    def after_training_exp(self, strategy, **kwargs):
        super().after_training_exp(strategy, **kwargs)
        if strategy.clock.train_exp_counter > 0:
            for importance in self.importance.values():
                importance.data = 2 * importance.data


class ReservoirDERpp(SupervisedPlugin):
    """DER++ as in the paper: a reservoir that meets every sample with its logits, two draws per step."""

    def __init__(self, mem_size, batch_size_mem, alpha, beta):
        super().__init__()
        self.size, self.batch, self.alpha, self.beta = mem_size, batch_size_mem, alpha, beta
        self.kept, self.met = [], 0

    def draw(self):
        chosen = torch.randperm(len(self.kept))[: self.batch]
        return (torch.stack(parts) for parts in zip(*(self.kept[at] for at in chosen)))

    def before_backward(self, strategy, **kwargs):
        if self.kept:
            x, _, z = self.draw()
            strategy.loss += self.alpha * F.mse_loss(strategy.model(x), z)
            x, y, _ = self.draw()
            strategy.loss += self.beta * F.cross_entropy(strategy.model(x), y)
        for sample in zip(strategy.mb_x, strategy.mb_y, strategy.mb_output.detach()):
            self.met += 1
            at = int(torch.randint(self.met, ()))
            if len(self.kept) < self.size:
                self.kept.append(sample)
            elif at < self.size:
                self.kept[at] = sample
