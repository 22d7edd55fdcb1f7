"""Questions and replays of a page, used by nothing but the keyboard."""

# The innermost element that has the focus, through shadow roots: what it is, what it says, where it stands.
FOCUS = """() => {
    let on = document.activeElement;
    while (on.shadowRoot?.activeElement)
        on = on.shadowRoot.activeElement;
    const words = on.getAttribute('aria-label') || on.textContent;
    return [on.type || on.localName, words.trim(), on.getRootNode().host?.localName ?? ''];
}"""
ENTER = """element => {                 // from here the next Tab goes into the element
    element.tabIndex = -1;
    element.focus();
    element.removeAttribute('tabindex');
}"""
ALERT = "element => element.shadowRoot.querySelector('[role=alert]')?.textContent ?? ''"


def tab_to(page, kind, words=None):
    """Tab until a control of this type, with these words, has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        on, said, where = page.evaluate(FOCUS)
        if on == kind and words in (None, said):
            return
        assert where, f"Tab left the element before it came to {kind} {words}"
    raise AssertionError(f"no {kind} {words}")


def answer(page, question):
    """Give a <netlab-question> its right answer; what is then said."""
    data = question.evaluate("element => element.data")
    right, words = data["right"], [choice.replace("`", "") for choice in data["choices"]]
    question.evaluate(ENTER)
    if data["kind"] == "single":
        tab_to(page, "radio")
        page.keyboard.press("Space")
        for _ in range(right):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    elif data["kind"] == "multiple":
        for n in range(len(words)):
            tab_to(page, "checkbox")
            if n in right:
                page.keyboard.press("Space")
        page.keyboard.press("Enter")
    elif data["kind"] == "number":
        tab_to(page, "text")
        page.keyboard.type(str(right))
        page.keyboard.press("Enter")
    else:
        for step in right:
            tab_to(page, "button", words[step])
            page.keyboard.press("Enter")
        tab_to(page, "submit")
        page.keyboard.press("Enter")
    return question.evaluate(ALERT)


def step_through(page, replay):
    """Walk a <netlab-replay> from its first step to its last, and close it; what its counter said, and the number of steps."""
    steps = replay.evaluate("element => element.data.steps.map(step => step[0])")
    replay.evaluate(ENTER)
    page.keyboard.press("Tab")
    first = page.evaluate(FOCUS)[1]
    page.keyboard.press("Enter")
    if first != "Step through it":      # it is open already, and there is its first button
        assert first == "First"
        tab_to(page, "button", "Next")
    said = []
    for _ in steps:
        said.append(replay.evaluate("element => element.shadowRoot.querySelector('[role=status]').textContent"))
        page.keyboard.press("Enter")
    assert said == steps
    assert page.evaluate(FOCUS)[1] == "Next"
    count = replay.evaluate("element => element.shadowRoot.querySelector('.count').textContent")
    tab_to(page, "button", "Whole picture")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUS)[1] == "Step through it"
    return count, len(steps)
