"""Templates: the project's before ours, in a sandbox, with errors that name the place."""

from types import SimpleNamespace

import pytest

from dissemination.errors import RenderError
from dissemination.files import shipped
from dissemination.render.environment import make_environment, render


@pytest.fixture
def own(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return make_environment(tmp_path)

    return write


def test_the_projects_template_replaces_the_shipped_one(own):
    assert render(own("newsletter/footer.mjml", "ours"), "newsletter/footer.mjml") == "ours"


def test_all_others_are_still_the_shipped_ones(own):
    environment = own("newsletter/footer.mjml", "ours")
    assert "newsletter/story.mjml" in environment.list_templates()
    assert (shipped("templates") / "newsletter/story.mjml").is_file()


@pytest.mark.parametrize("name", ["a.mjml", "a.html", "a.xml"])
def test_markup_is_escaped(own, name):
    assert render(own(name, "{{ x }}"), name, x='<b a="1">') == "&lt;b a=&#34;1&#34;&gt;"


def test_plain_text_is_not_escaped(own):
    assert render(own("a.txt", "{{ x }}"), "a.txt", x="a < b & c") == "a < b & c"


def test_an_unknown_name_is_an_error_with_file_and_line(own, tmp_path):
    environment = own("a.mjml", "one\ntwo\n{{ subjekt }}\n")
    with pytest.raises(RenderError, match=r"a\.mjml:3: 'subjekt' is undefined; correct the template"):
        render(environment, "a.mjml")


def test_an_error_in_an_included_template_names_that_one(own):
    own("inner.mjml", "x\n{{ nothing.there }}")
    environment = own("outer.mjml", "{% include 'inner.mjml' %}")
    with pytest.raises(RenderError, match=r"inner\.mjml:2: "):
        render(environment, "outer.mjml")


def test_wrong_syntax_names_file_and_line(own):
    with pytest.raises(RenderError, match=r"a\.mjml:2: .*correct the template"):
        render(own("a.mjml", "one\n{% if %}"), "a.mjml")


def test_a_missing_template_is_an_error(own):
    with pytest.raises(RenderError, match=r"nowhere\.mjml"):
        render(own("a.mjml", ""), "nowhere.mjml")


@pytest.mark.parametrize("template", ["{{ 1 / 0 }}", "{{ x + 1 }}", "{{ x.split() }}"])
def test_a_failing_expression_is_an_error(own, template):
    with pytest.raises(RenderError, match=r"a\.mjml:1"):
        render(own("a.mjml", template), "a.mjml", x=None if "split" in template else "text")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ x.__init__.__globals__ }}",
        "{{ ''|attr('__class__') }}",
        "{% set _ = x.items.append(1) %}",
        "{{ range(9999999) }}",
        "{{ lipsum(n=9999) }}",
        "{{ cycler.__init__ }}",
        "{% include '../secret' %}",
        "{% include '/etc/hostname' %}",
    ],
)
def test_the_sandbox_holds(own, template):
    with pytest.raises(RenderError):
        render(own("a.txt", template), "a.txt", x=SimpleNamespace(items=[1]))
