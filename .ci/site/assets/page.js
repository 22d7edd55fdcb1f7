// What a page does by itself: the look, the search over the terms, boxes that scroll by keyboard, folds on paper.
"use strict";

// --- light or dark: what the system wants, until the reader says otherwise

const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
const button = document.querySelector(".look");

function isDark() {
    return root.dataset.look ? root.dataset.look === "dark" : system.matches;
}

function nameLook() {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use the light look" : "Use the dark look");
}

button.hidden = false;
nameLook();
system.addEventListener("change", nameLook);
button.addEventListener("click", () => {
    root.dataset.look = isDark() ? "light" : "dark";
    nameLook();
    try {
        localStorage.setItem("netlab-look", root.dataset.look);
    } catch {
        // it then holds for this page
    }
});

// --- the search over terms, parts, calls, options, errors, and what the texts say

const form = document.querySelector("[role=search]"), field = form.querySelector("input");
const box = form.querySelector(".hits"), status = form.querySelector("[role=status]"), list = form.querySelector("ul");
const MOST = 12, KINDS = ["term", "part", "name", "text"], LONGEST = 160, NOWHERE = 9;
const FILLERS = "a an and are can did do does for how i in is it my of on or the there to what when which why you".split(" ");

function wordsOf(text) {
    const words = text.toLowerCase().replace(/[?!"“”]|\(\)/g, " ").split(/\s+/).filter(Boolean);
    const telling = words.filter(word => !FILLERS.includes(word));
    return telling.length ? telling : words;
}

// How a text has a word, and where: 0 as a word of its own, 1 as the beginning of one, 2 within one, for long words only.
function fit(text, word) {
    let best = [NOWHERE, text.length];
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
        const before = text[at - 1] ?? " ", after = text.slice(at + word.length).replace(/^s(?![a-z0-9_])/, "")[0] ?? " ";
        const begins = !/[a-z0-9]/.test(before);
        const whole = begins && !/[a-z0-9_]/.test(before + after), how = whole ? 0 : begins ? 1 : word.length > 4 ? 2 : NOWHERE;
        if (how < best[0])
            best = [how, at];
    }
    return best;
}

// How many of the words an entry lacks, and how well it has the others: the best has the least. A name beats its sentence.
function rank([word, kind, , , sentence], words) {
    const name = word.toLowerCase(), text = sentence.toLowerCase(), all = words.join(" ");
    let missed = 0, points = KINDS.indexOf(kind);
    points += (kind === "name" && !sentence ? .2 : 0) - ([all, `${all}s`].includes(name) ? .5 : 0);
    for (const each of words) {
        const [named] = fit(name, each), [said] = named === NOWHERE ? fit(text, each) : [NOWHERE];
        missed += named === NOWHERE && said === NOWHERE;
        points += named < NOWHERE ? 10 * named : said < NOWHERE ? 30 + 10 * said : 0;
        points -= text.includes(`${each} is `) ? 5 : 0;         // which may say what it is
    }
    return [missed, points];
}

function hit([word, kind, address, place, sentence], words) {
    const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("span");
    link.href = address;
    where.textContent = place;
    where.className = "place";
    if (word) {
        const name = document.createElement(kind === "name" ? "code" : "b");
        name.textContent = word;
        link.append(name, " ");
    }
    link.append(where);
    if (sentence) {
        const said = document.createElement("span");
        const at = Math.min(...words.map(each => fit(sentence.toLowerCase(), each)[1]));
        const from = word || at < LONGEST / 2 ? 0 : sentence.lastIndexOf(" ", at - LONGEST / 3) + 1;
        const part = sentence.slice(from, from + LONGEST);
        said.textContent = (from ? "… " : "") + part + (from + LONGEST < sentence.length ? " …" : "");
        said.className = "sentence";
        link.append(" ", said);
    }
    item.append(link);
    return item;
}

function search() {
    const words = wordsOf(field.value);
    const ranked = words.length ? window.netlabTerms.map(entry => [...rank(entry, words), entry]) : [];
    const least = Math.min(...ranked.map(([missed]) => missed), words.length - 1);
    const found = ranked.filter(([missed]) => missed === least);
    found.sort(([, a], [, b]) => a - b);        // equals stay in the order of the course
    const seen = new Set(), places = [];        // of what stands at one place, or says the same on one page, the best
    for (const [, , entry] of found) {
        const [, , address, , sentence] = entry, marks = [address, ...sentence ? [address.replace(/#.*/, sentence)] : []];
        if (!marks.some(mark => seen.has(mark)))
            places.push(entry);
        marks.forEach(mark => seen.add(mark));
    }
    list.replaceChildren(...places.slice(0, MOST).map(entry => hit(entry, words)));
    box.hidden = !words.length;
    status.textContent = !words.length ? "" : !places.length ? `Nothing here speaks of “${field.value.trim()}”.`
        : places.length > MOST ? `The first ${MOST} of ${places.length} places.`
        : places.length === 1 ? "One place." : `${places.length} places.`;
}

function close() {
    field.value = "";
    search();
    field.focus();
}

form.hidden = false;
field.addEventListener("input", search);
form.addEventListener("submit", event => {
    event.preventDefault();
    list.querySelector("a")?.click();
});
form.addEventListener("keydown", event => {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (event.key === "Escape" && !box.hidden)
        close();
    else if (step && links.length)
        at + step < 0 ? field.focus() : links[Math.min(at + step, links.length - 1)].focus();
    else
        return;
    event.preventDefault();
});
list.addEventListener("click", event => {       // within the page no new one comes, and at the same address nothing says so
    const link = event.target.closest("a");
    field.value = "";
    search();
    if (link && link.href === location.href)
        unfold();
});
document.addEventListener("pointerdown", event => {
    if (!form.contains(event.target))
        box.hidden = true;
});
field.addEventListener("focus", () => {
    box.hidden = !field.value.trim();
});

// --- a link to something folded opens it

function unfold() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details"))
        fold.open = true;
    target?.scrollIntoView();
}

window.addEventListener("hashchange", unfold);
if (location.hash)
    unfold();

// --- a kept guess opens the fold of what came, and the words that say so become a link to it

const BELOW = "What came stands below.";

document.addEventListener("netlab-guess", ({detail}) => {
    const name = CSS.escape(detail), fold = document.querySelector(`.came[data-question="${name}"]`);
    const card = document.querySelector(`netlab-question[data-name="${name}"]`)?.shadowRoot.querySelector("[role=alert]");
    if (!fold)
        return;
    fold.open = true;
    const said = card?.lastChild;
    if (!said?.data?.endsWith(BELOW))
        return;
    const link = document.createElement("a");
    said.data = said.data.slice(0, -BELOW.length);
    link.href = `#${fold.id}`;
    link.style.color = "inherit";
    link.textContent = BELOW;
    link.addEventListener("click", event => {
        event.preventDefault();
        fold.open = true;
        fold.querySelector("summary").focus();
        fold.scrollIntoView();
    });
    card.append(link);
});

// --- what is wider than the page scrolls in its own box, also by keyboard

const scrolls = document.querySelectorAll("pre, .scroll, .html > div");

function reach() {
    for (const each of scrolls) {
        const wide = each.scrollWidth > each.clientWidth + 1;
        if (wide && !each.hasAttribute("tabindex")) {
            each.tabIndex = 0;
            each.setAttribute("role", "region");
            each.setAttribute("aria-label", each.matches("pre.code") ? "Code" : each.matches("pre") ? "Output" : "Table");
            each.dataset.reach = "";
        } else if (!wide && "reach" in each.dataset) {
            for (const name of ["tabindex", "role", "aria-label", "data-reach"])
                each.removeAttribute(name);
        }
    }
}

new ResizeObserver(reach).observe(document.body);
document.addEventListener("toggle", reach, true);

// --- on paper: what came out and what is said of it lie open; answers, solutions and what a guess uncovers stay folded;
// below a picture that is stepped through stands what each step says

const opened = [], closed = [], added = [];
window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details.came:not([open]):not([data-question]), details.saw:not([open])")) {
        fold.open = true;
        opened.push(fold);
    }
    for (const fold of document.querySelectorAll("details.came[data-question][open]"))
        if (fold.querySelector("netlab-beside").shadowRoot.querySelector(".under").hidden) {
            fold.open = false;
            closed.push(fold);
        }
    for (const replay of document.querySelectorAll("netlab-replay")) {
        if (replay.stage?.hidden !== false)
            continue;
        const said = document.createElement("ol");
        said.className = "sentences";
        said.append(...replay.data.steps.map(([sentence]) => Object.assign(document.createElement("li"), {textContent: sentence})));
        replay.after(said);
        added.push(said);
    }
});
window.addEventListener("afterprint", () => {
    for (const fold of opened.splice(0))
        fold.open = false;
    for (const fold of closed.splice(0))
        fold.open = true;
    for (const said of added.splice(0))
        said.remove();
});
