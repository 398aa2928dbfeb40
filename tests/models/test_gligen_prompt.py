import pytest

from beltline.models.gligen_prompt import grounded_prompt
from beltline.models.gligen_tiny import letter_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return letter_tokenizer()


def words(tokenizer, prompt):
    ids = tokenizer(prompt.caption).input_ids
    return [tokenizer.decode([ids[place] for place in places]).strip() for places in prompt.tokens]


def test_caption_and_phrases_say_the_same(tokenizer):
    prompt = grounded_prompt(tokenizer, ["Gun", "Handcuffs"])
    assert prompt.caption == "one Gun, one Handcuffs"
    assert prompt.phrases == ("one Gun", "one Handcuffs")
    assert words(tokenizer, prompt) == ["gun", "handcuffs"]
    assert len(prompt.tokens[1]) == len("handcuffs")  # sub-tokens, here letters; "one" is not among them


def test_released_captions_join_bare_names(tokenizer):
    prompt = grounded_prompt(tokenizer, ["Gun", "Pliers"], released=True)
    assert prompt.caption == "Gun, Pliers"
    assert prompt.phrases == ("one Gun", "one Pliers")
    assert words(tokenizer, prompt) == ["gun", "pliers"]
    assert prompt.tokens[0] == (1, 2, 3)  # behind the start token


@pytest.mark.parametrize("released", [True, False])
def test_two_instances_of_a_class_have_their_own_tokens(tokenizer, released):
    prompt = grounded_prompt(tokenizer, ["Gun", "Knife", "Gun"], released=released)
    assert words(tokenizer, prompt) == ["gun", "knife", "gun"]
    places = [place for tokens in prompt.tokens for place in tokens]
    assert len(places) == len(set(places))


def test_names_of_several_words_and_commas_are_found(tokenizer):
    prompt = grounded_prompt(tokenizer, ["Pepper  spray", "bolt, one nut", "Ärger"])
    assert [len(tokens) for tokens in prompt.tokens[:2]] == [11, 11]
    assert words(tokenizer, prompt)[2] == "ärger"


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ([], "takes 1 to 30 instances, got 0"),
        (["Gun"] * 31, "got 31; paint in turns"),
        (["Gun"] * 20, "text encoder reads 77"),
        (["Gun", " "], "leaves no token"),
    ],
)
def test_prompts_that_cannot_be_read_are_refused(tokenizer, categories, message):
    with pytest.raises(ValueError, match=message):
        grounded_prompt(tokenizer, categories)
