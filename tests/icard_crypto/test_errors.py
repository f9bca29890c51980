"""The tree of errors and its catalogue: no code without words, no words without a code, in both languages."""

from __future__ import annotations

import ast
import json
import pickle
import re
from collections.abc import Iterator

import pytest

from icard_crypto import errors
from icard_crypto.errors import (
    CardError,
    Conflict,
    DecodeError,
    EncodeError,
    Faults,
    IcardError,
    Invalid,
    KeyFault,
    MissingPart,
    NotAllowed,
    NotFound,
    StateError,
    Unavailable,
    together,
)
from tests.kit.raised_errors import (
    CHECKOUT,
    PACKAGES,
    codes_in,
    error_classes,
    kinds_by_code,
    modules,
    name_of,
    passed_on,
)

MESSAGES = {path.stem: path for package in PACKAGES for path in (CHECKOUT / package / "messages").glob("*.json")}
LAYERS = sorted(MESSAGES)
CODE = re.compile(rf"({'|'.join(LAYERS)})\.[a-z0-9_]+")
#: A hint may end in a command, or be one: then nothing stands behind it, for people copy it.
COMMAND = re.compile(r"(.*[:：] ?)?(pip install|icard|icard-issuer) [a-z\[\] -]+")
REFUSALS = [NotAllowed, NotFound, Conflict, Invalid, Unavailable]
KINDS = [DecodeError, CardError, KeyFault, EncodeError, MissingPart, StateError]
#: Layers whose faults an operator has to mend: only they raise StateError itself, which a service answers with 500.
OPERATORS = {
    "api",
    "at_rest",
    "audit",
    "backup",
    "bulk",
    "database",
    "days",
    "disk",
    "doctor",
    "draft",
    "epoch",
    "export",
    "production",
    "publication",
    "restore",
    "serve",
    "server",
    "settings",
    "signing",
    "status_file",
    "store",
    "sync",
    "tree",
    "trusted",
    "worker",
}
#: Where an error is made from a code that comes from elsewhere: to show it, or with the one kind that all of them have.
PASSED_ON = {
    "issuer/audit/verify.py: code",
    "issuer/cli/worker_commands.py: wrong",
    "issuer/db/engine.py: kind",
    "issuer/db/engine.py: kind_of(fault) or 'database.unreachable'",
    "issuer/db/faults.py: kind",
    "issuer/doctor/examine.py: code",
    "issuer/doctor/examine.py: each.code",
    "issuer/rules/book.py: finding.code",
    "issuer/service/readiness.py: code",
    "issuer/service/readiness.py: core.database.write_fault",
    "verifier/store/store.py: damage.code",
    "verifier/store/store.py: code",
    "verifier/sync/journal.py: entry['code']",
}
#: Read from the outside it is one fault, written it is another; a service answers both alike.
BOTH = {"DecodeError", "EncodeError"}


def raised_codes() -> Iterator[tuple[str, str]]:
    """Where, and which code: the first argument of each call of an error class, and what is assigned to ``code``.

    A code that is put together is given as a pattern: ``uri.*`` or ``*.wrong_type``.
    """
    classes = error_classes()
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node.func) in classes and node.args:
                value: ast.expr = node.args[0]
            elif isinstance(node, ast.Assign) and [name_of(target) for target in node.targets] == ["code"]:
                value = node.value
            else:
                continue
            where = f"{path.relative_to(CHECKOUT)}:{node.lineno}"
            for code in codes_in(value):
                yield where, code


def literals() -> set[str]:
    """Every string in source and data files that has the form of a code."""
    found = {
        node.value
        for tree in modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
    for package in PACKAGES:
        for path in (CHECKOUT / package).rglob("*.json"):
            if path.parent.name != "messages" and path.name != "error_reasons.json":
                found |= {match.group() for match in CODE.finditer(path.read_text("utf-8"))}
    return found


def test_every_raised_code_has_words() -> None:
    """Each code that an error is made with stands in the catalogue; the scan does see codes."""
    raised = list(raised_codes())
    assert len(raised) > 100
    catalogue = errors.catalogue()
    dynamic = [code for _, code in raised if "*" in code]
    assert [(where, code) for where, code in raised if "*" not in code and code not in catalogue] == []
    for pattern in dynamic:
        assert any(re.fullmatch(pattern.replace(".", r"\.").replace("*", "[a-z0-9_]+"), code) for code in catalogue)


def test_no_words_without_a_code() -> None:
    """Each entry of the catalogue is used somewhere: as a literal, in a data file, or by a code put together."""
    patterns = {code for _, code in raised_codes() if "*" in code}
    matcher = re.compile("|".join(part.replace(".", r"\.").replace("*", "[a-z0-9_]+") for part in patterns) or "$^")
    used = literals()
    assert [code for code in errors.catalogue() if code not in used and not matcher.fullmatch(code)] == []


def test_each_package_has_the_words_of_its_own_codes() -> None:
    """A layer stands in one package, the lowest that raises its codes: the format knows no words of the issuer's."""
    files = [path for package in PACKAGES for path in (CHECKOUT / package / "messages").glob("*.json")]
    assert sorted(path.stem for path in files) == LAYERS, "a layer twice"
    raised: dict[str, set[str]] = {}
    for where, code in raised_codes():
        raised.setdefault(code.partition(".")[0], set()).add(where.partition("/")[0])
    lowest = {
        layer: next(package for package in PACKAGES if package in raised[layer]) for layer in raised.keys() & MESSAGES
    }
    assert {layer: MESSAGES[layer].parents[1].name for layer in lowest} == lowest


@pytest.mark.parametrize("layer", LAYERS)
def test_words_are_complete_sentences(layer: str) -> None:
    """Codes of the file's own layer, each once, with four texts that end as sentences do in their language."""
    pairs = json.loads(MESSAGES[layer].read_text("utf-8"), object_pairs_hook=list)
    assert pairs
    assert len({code for code, _ in pairs}) == len(pairs), "a code twice"
    for code, texts in pairs:
        assert re.fullmatch(rf"{layer}\.[a-z0-9_]+", code)
        assert [name for name, _ in texts] == ["en", "zh", "do_en", "do_zh"], code
        for name, text in texts:
            chinese = name.endswith("zh")
            assert text == text.strip(), code
            if name.startswith("do") and COMMAND.fullmatch(text):
                continue
            assert text.endswith("。" if chinese else "."), (code, name)
            assert bool(re.search(r"[\u4e00-\u9fff]", text)) is chinese, (code, name)


def test_catalogue_holds_every_file_sorted() -> None:
    """catalogue() is all files' codes in order."""
    codes = list(errors.catalogue())
    assert {code.partition(".")[0] for code in codes} == set(LAYERS)
    assert codes == sorted(codes, key=lambda code: (code.partition(".")[0], code))
    assert set(errors.catalogue()["cbor.float"]) == {"en", "zh", "do_en", "do_zh"}


@pytest.mark.parametrize("kind", [*KINDS, *REFUSALS], ids=lambda kind: kind.__name__)
def test_fields_survive_pickling(kind: type[IcardError]) -> None:
    """An error that crosses to another process keeps its kind, code and all four fields."""
    error = kind("cbor.float", offset=0, path="card.permit", expected="an integer", found="a float")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind
    assert again.to_dict() == error.to_dict()
    assert str(again) == str(error)
    assert isinstance(again, IcardError)


def test_further_faults_survive_pickling() -> None:
    """An error of a card takes what else is wrong with it along."""
    error = CardError("card.disagrees", path="permit.until")
    error.also = (CardError("card.duplicate", path="services[1]"),)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert [one.to_dict() for one in again.also] == [one.to_dict() for one in error.also]


def test_faults_are_found_part_by_part_and_raised_together() -> None:
    """A fault that has others brings them; the first one is raised, with nineteen more at most."""
    faults = Faults()
    assert faults.of(int, "7") == 7
    faults.settle()
    inner = together([Invalid("account.field", path="a"), Invalid("account.field", path="b")])

    def broken() -> None:
        raise inner

    assert faults.of(broken) is None
    for number in range(30):
        faults.add(Invalid("account.field", path=str(number)))
    assert (faults.on("b"), faults.on("c")) == (True, False)
    with pytest.raises(Invalid) as caught:
        faults.settle()
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert [one.path for one in (again, *again.also)] == ["a", "b", *map(str, range(18))]


def test_text_of_an_error_says_all() -> None:
    """str is code, sentence, place, expected and found; 0 is an offset too."""
    error = DecodeError("cbor.float", offset=0, path="a.b", expected="an integer", found="a float")
    sentence = "The data has a floating-point number, which the format does not allow."
    assert str(error) == f"cbor.float: {sentence}; at a.b; at offset 0; expected an integer; found a float"
    assert str(DecodeError("cbor.float")) == f"cbor.float: {sentence}"
    assert error.args == ("cbor.float",)


def test_error_for_a_program() -> None:
    """to_dict has what is known and nothing else."""
    assert DecodeError("cbor.float").to_dict() == {"code": "cbor.float", "layer": "cbor"}
    assert KeyFault("key.length", offset=0, expected="32 bytes", found="").to_dict() == {
        "code": "key.length",
        "layer": "key",
        "offset": 0,
        "expected": "32 bytes",
        "found": "",
    }


def test_words_in_both_languages() -> None:
    """message and hint speak English unless Chinese is asked for."""
    error = DecodeError("text.lower_case")
    assert error.message() == error.message("en") == "The code has lower-case letters; card codes have capitals only."
    assert error.message("zh") == "二维码内容含有小写字母，集成卡二维码只含大写字母。"
    assert error.hint() == "Switch Caps Lock off and scan again; don't type the code."
    assert error.hint("zh") == "请关闭大写锁定（Caps Lock）后重新扫描，不要手工输入。"


def test_every_code_is_raised_with_one_kind() -> None:
    """A caller who handles a kind, and the HTTP status, don't depend on where a code was raised."""
    kinds = kinds_by_code()
    assert len(kinds) > 500
    assert {code: dict(found) for code, found in kinds.items() if len(found) > 1 and found.keys() != BOTH} == {}


def test_only_what_an_operator_mends_is_a_plain_state_error() -> None:
    """A refusal that a caller can act on has one of the five kinds."""
    plain = {code: found["StateError"] for code, found in kinds_by_code().items() if "StateError" in found}
    assert {code: where for code, where in plain.items() if code.partition(".")[0] not in OPERATORS} == {}


def test_codes_that_are_passed_on_are_known() -> None:
    """An error whose code is not written out has a kind that no reader of the source can check."""
    assert passed_on() == PASSED_ON


def test_tree_has_one_root() -> None:
    """Every kind descends from IcardError and from nothing that a foreign handler would catch."""
    for kind in KINDS:
        assert kind.__mro__[1:] == (IcardError, Exception, BaseException, object)
    for refusal in REFUSALS:
        assert refusal.__mro__[1:] == (StateError, IcardError, Exception, BaseException, object)
