from csl.commands.explain import explain

UNION = """Parser key "model":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'csl.methods.base.Method'>, <class 'NoneType'>]
  Errors:
    - Problem with given class_path 'csl.methods.SimCLR':
        {problem}
    - Expected a <class 'NoneType'>
  Given value type: <class 'jsonargparse._util.NestedArg'>
  Given value: NestedArg(key='x', val='y')"""


def test_a_value_out_of_range_keeps_only_what_was_expected() -> None:
    problem = "Parser key \"optimization.optimizer\":\n          Expected a typing.Literal['lars']. Got value: adam"
    assert explain(UNION.format(problem=problem)) == ("--model.optimization.optimizer: expected one of lars, got adam")


def test_a_nested_option_is_looked_up_in_its_dataclass() -> None:
    text = explain(UNION.format(problem="unrecognized arguments: --optimization.weight_deca=3"))
    assert text == ("unknown option --model.optimization.weight_deca; did you mean --model.optimization.weight_decay?")


def test_a_wrong_type_names_key_and_value() -> None:
    message = (
        "Parser key \"trainer.max_epochs\":\n  Errors:\n    - Expected a <class 'int'>\n"
        "    - Expected a <class 'NoneType'>\n  Given value type: <class 'str'>\n  Given value: abc"
    )
    assert explain(message) == "--trainer.max_epochs: expected int, got abc"


def test_all_that_was_possible_is_listed() -> None:
    message = (
        'Parser key "trainer.precision":\n  Errors:\n    - Expected a typing.Literal[64, 32]\n'
        "    - Expected a typing.Literal['bf16-mixed', '32-true']\n  Given value type: <class 'str'>\n  Given value: 17"
    )
    assert explain(message) == ("--trainer.precision: expected one of 64, 32 or one of bf16-mixed, 32-true, got 17")


def test_a_missing_file_is_named_with_its_option() -> None:
    message = "Parser key \"config\": File does not exist: 'none.yaml'"
    assert explain(message) == "--config: File does not exist: 'none.yaml'"


def test_a_missing_module_is_named() -> None:
    assert explain(UNION.format(problem="No module named 'my_file'")).startswith("--model: no module 'my_file'")


def test_an_ordinary_message_is_left_alone() -> None:
    assert explain("batch_size: expected 1 to 10, got 20") == "batch_size: expected 1 to 10, got 20"
