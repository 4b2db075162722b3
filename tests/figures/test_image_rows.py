import torch

from csl.figures.image_rows import Tile, image_rows


def test_long_words_take_two_lines_and_end_in_dots_behind_them() -> None:
    image = torch.zeros(3, 4, 4, dtype=torch.uint8)
    words = ["airplane, or ship", "0.5", "", "a very long name of a class of images"]
    figure = image_rows([[Tile(image, words)]])
    assert figure.axes[0].get_xlabel().split("\n") == ["airplane, or", "ship", "0.5", "", "a very long", "name of a…"]
    assert figure.get_size_inches()[1] > image_rows([[Tile(image, words[:2])]]).get_size_inches()[1]
