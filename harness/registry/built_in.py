"""The names that are ours, and where each is found. What others provide comes from entry points: `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Kind = Literal["methods", "benchmarks", "tables"]

OURS = "nasboard"
_IMAGES = ("digits", "cifar10", "cifar100", "svhn", "ImageNet16-120")
_LIVE = (
    "digits201-live",
    "digits1296-live",
    "poc1296-cifar10",
    "poc1296-cifar10-live",
    *(f"nb201-{data}-live" for data in ("cifar10", "cifar100", "ImageNet16-120")),
    *(f"nb1shot1-{number}-live" for number in (1, 2, 3)),
    *(f"proxyless-{data}" for data in ("digits", "cifar10")),
    *(f"{space}-{data}" for space in ("darts", "s1", "s2", "s3", "s4", "s5") for data in _IMAGES),
    *(f"{space}-{data}" for space in ("nat", "nat-enas") for data in ("digits", "cifar10")),
    "ofa-digits",
    "ofa-cifar10",
    *(f"{network}-cifar10" for network in ("vgg16", "resnet20", "resnet56", "mobilenet_v2")),
    "resnet20-digits",
)
BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "methods": {
        "random_search": "nasboard.methods.black_box.random_search:RandomSearch",
        "regularized_evolution": "nasboard.methods.black_box.regularized_evolution:RegularizedEvolution",
        "reinforce": "nasboard.methods.black_box.reinforce:Reinforce",
        "hyperband": "nasboard.methods.black_box.hyperband:Hyperband",
        "bohb": "nasboard.methods.black_box.bohb:Bohb",
        "tpe": "nasboard.methods.black_box.tpe:Tpe",
        "local_search": "nasboard.methods.black_box.local_search:LocalSearch",
        "lanas": "nasboard.methods.black_box.lanas:Lanas",
        "darts": "nasboard.methods.differentiable.darts:Darts",
        "sdarts_rs": "nasboard.methods.differentiable.sdarts_rs:SdartsRs",
        "sdarts_adv": "nasboard.methods.differentiable.sdarts_adv:SdartsAdv",
        "darts_es": "nasboard.methods.differentiable.darts_es:DartsEs",
        "darts_ada": "nasboard.methods.differentiable.darts_ada:DartsAda",
        "p_darts": "nasboard.methods.differentiable.p_darts:PDarts",
        "pc_darts": "nasboard.methods.differentiable.pc_darts:PcDarts",
        "nasp": "nasboard.methods.differentiable.nasp:Nasp",
        "gdas": "nasboard.methods.differentiable.gdas:Gdas",
        "r_darts_dp": "nasboard.methods.differentiable.r_darts_dp:RDartsDp",
        "r_darts_l2": "nasboard.methods.differentiable.r_darts_l2:RDartsL2",
        "drnas": "nasboard.methods.differentiable.drnas:DrNas",
        "setn": "nasboard.methods.differentiable.setn:Setn",
        "darts_pt": "nasboard.methods.differentiable.darts_pt:DartsPt",
        "proxyless": "nasboard.methods.differentiable.proxyless.method:Proxyless",
        "one_shot": "nasboard.methods.weight_sharing.one_shot:OneShot",
        "few_shot": "nasboard.methods.weight_sharing.few_shot:FewShot",
        "rsps": "nasboard.methods.weight_sharing.rsps:Rsps",
        "spos": "nasboard.methods.weight_sharing.spos:Spos",
        "enas": "nasboard.methods.weight_sharing.enas:Enas",
        "guided": "nasboard.methods.composed.guided:Guided",
        "split_search": "nasboard.methods.composed.split_search:SplitSearch",
        "ofa": "nasboard.methods.weight_sharing.ofa.method:Ofa",
        "nat": "nasboard.methods.transforming.nat:Nat",
        "transform_identity": "nasboard.methods.transforming.identity:TransformIdentity",
        "transform_random": "nasboard.methods.transforming.uniform:TransformRandom",
        "transform_greedy": "nasboard.methods.transforming.scored:TransformGreedy",
        "transform_exhaustive": "nasboard.methods.transforming.scored:TransformExhaustive",
        "autogan": "nasboard.methods.gans.autogan:AutoGan",
        "training_gan": "nasboard.benchmarks.live.gans.training:TrainingGan",
        "training": "nasboard.benchmarks.live.trainings.training:Training",
    },
    "benchmarks": {
        "digits201": "nasboard.benchmarks.tabulated.digits201:tabular",
        "digits1296": "nasboard.benchmarks.tabulated.digits1296:tabular",
        "planted": "nasboard.benchmarks.tabulated.planted:planted",
        "nb201-cifar10": "nasboard.benchmarks.tabulated.nb201.benchmark:cifar10",
        "nb201-cifar100": "nasboard.benchmarks.tabulated.nb201.benchmark:cifar100",
        "nb201-ImageNet16-120": "nasboard.benchmarks.tabulated.nb201.benchmark:imagenet16",
        "nb101": "nasboard.benchmarks.tabulated.nb101:nb101",
        "nb1shot1-1": "nasboard.benchmarks.tabulated.nb101:nb1shot1_1",
        "nb1shot1-2": "nasboard.benchmarks.tabulated.nb101:nb1shot1_2",
        "nb1shot1-3": "nasboard.benchmarks.tabulated.nb101:nb1shot1_3",
        "built": "nasboard.benchmarks.tabulated.built:built",
        "autogan-digits": "nasboard.benchmarks.live.gans.catalogue:digits",
        "autogan-cifar10": "nasboard.benchmarks.live.gans.catalogue:cifar10",
        **{name: f"nasboard.benchmarks.live.catalogue:{name}" for name in _LIVE},
    },
    "tables": {
        "digits201": "nasboard.benchmarks.live.shipped_table:DIGITS201",
        "digits1296": "nasboard.benchmarks.live.shipped_table:DIGITS1296",
    },
}
