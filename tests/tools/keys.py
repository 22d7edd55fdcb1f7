"""A reader who has only a keyboard: goes from control to control as Tab goes, and at each stop looks where the focus is."""

NAME = "e => (e.ariaLabel || e.title || e.labels?.[0]?.textContent || e.textContent).trim().slice(0, 80)"
# What has the focus, whether that can be seen, and the notebook around it, which no key for a panel may change.
LOOK = f"""() => {{
    const e = document.activeElement, css = getComputedStyle(e), {{content}} = window.jupyterapp.shell.currentWidget;
    const drawn = !['none', 'hidden'].includes(css.outlineStyle) && !/^rgba/.test(css.outlineColor) && css.opacity === '1';
    const {{top, bottom}} = e.getBoundingClientRect();
    return {{name: ({NAME})(e), inside: !!e.closest('.nl-panel'), outline: drawn ? parseFloat(css.outlineWidth) : 0,
             inView: top >= 0 && bottom <= innerHeight,
             notebook: [content.mode, ...content.widgets.map(cell => [cell.model.type, cell.model.sharedModel.source])]}};
}}"""
# Where Tab has to stop in the panels: at each control, but a group of radio buttons is one. Names, and which has the focus.
STOPS = f"""() => {{
    const all = [...document.querySelectorAll('.nl-panel :is(button, input, select, summary, [tabindex])')].filter(e => {{
        const group = e.type === 'radio' ? [...document.getElementsByName(e.name)] : [e];
        return e.checkVisibility() && !e.disabled && e === (group.find(e => e.checked) ?? group[0]);
    }});
    return [all.map({NAME}), all.indexOf(document.activeElement)];
}}"""


class Keys:
    """The keys of `notebook`'s page. A cell has the focus at first, as it has after a run; then the panel's first control."""

    def __init__(self, notebook):
        self.page, self._until = notebook.page, notebook.until
        self._notebook = self._look()["notebook"]
        for _ in range(5):                      # past the buttons of the cell
            self.page.keyboard.press("Tab")
            if self._look()["inside"]:
                break

    def _look(self):
        return self.page.evaluate(LOOK)

    def here(self):
        """The name of what has the focus: a control of a panel, which shows that it has it."""
        found = self._look()
        assert found.pop("notebook") == self._notebook
        assert found["inside"] and found["outline"] >= 2 and found["inView"], found
        return found["name"]

    def press(self, *keys):
        """Press these; what has the focus then."""
        for key in keys:
            self.page.keyboard.press(key)
        return self.here()

    def type(self, words):
        """In place of what stands there."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(words)
        return self.here()

    def go(self, name):
        """To the nearest control whose name begins so, by Tab or Shift+Tab, and by nothing but controls."""
        names, here = self.page.evaluate(STOPS)
        there = [n - here for n, each in enumerate(names) if each.startswith(name)]
        assert here >= 0 and there, (name, names, here)
        steps = min(there, key=lambda steps: (abs(steps), -steps))
        passed = [self.press("Tab" if steps > 0 else "Shift+Tab") for _ in range(abs(steps))]
        assert self.here().startswith(name), (name, passed)

    def does(self, name, key, selector, pattern):
        """`key` on this control makes some element of `selector` have a text that matches, and the focus stays."""
        self.go(name)
        control = self.page.evaluate_handle("[document.activeElement, document.activeElement.dataset.key]")
        self.press(key)
        self._until(selector, pattern)
        after = self.here()
        assert control.evaluate("([e, key]) => [e, key || e].some(it => it === document.activeElement || "
                                "it === document.activeElement.dataset.key)"), after

    def tour(self):
        """From the first control to the last, and no further than that: the names of all."""
        names, here = self.page.evaluate(STOPS)
        assert [self.here(), *(self.press("Tab") for _ in names[1:])] == names and here == 0
        self.page.keyboard.press("Tab")
        assert not self._look()["inside"]
        assert self.press("Shift+Tab") == names[-1]
        return names
