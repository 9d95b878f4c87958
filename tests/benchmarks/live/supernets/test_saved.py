"""What a live run is resumed from: a learner goes back to what was saved, whatever it did since."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="live methods train networks: pip install 'nasboard[live]'")

from nasboard.benchmarks.live.supernets.saved import Learner  # noqa: E402


def test_a_weight_without_momentum_when_it_was_saved_has_none_after_going_back() -> None:
    net = torch.nn.utils.skip_init(torch.nn.Linear, 3, 1, bias=False)
    torch.nn.init.constant_(net.weight, 0.5)
    learner = Learner(net, torch.optim.SGD(net.parameters(), 0.1, momentum=0.9))

    def stepped() -> list[float]:
        learner.optimiser.zero_grad()
        net(torch.ones(1, 3)).square().sum().backward()
        learner.optimiser.step()
        return net.weight.flatten().tolist()

    before = learner.save()
    assert before["momentum"] == {}
    first, second = stepped(), stepped()
    learner.load(before)
    assert [stepped(), stepped()] == [first, second]
