// <netlab-question> holds a question as text, and as JSON; this shows it as a form, and judges as Question.judge of netlab/teach/questions.py does.
// <netlab-beside> holds a run's picture with what came, and covers it until the guess of its question is kept. Once a page; it asks nobody for anything.
(() => {
if (customElements.get("netlab-question")) return;
const PLACES = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"], PARTS = " · ", LONGEST = 32;
const SHEET = `
:host { display: block; max-width: 760px; margin: 6px 0; --ink: light-dark(#1f2328, #e6e8ea); --soft: light-dark(#5b6470, #a5adb8);
  --edge: light-dark(#8a929c, #7d8590); --client: light-dark(#0072b2, #56b4e9); --good: light-dark(#00734f, #4fc79a);
  --error: light-dark(#b3261e, #ff8a80); --surface: light-dark(#ffffff, #111418); line-height: 1.45; overflow-wrap: anywhere; }
form, .card { box-sizing: border-box; border-left: 4px solid var(--client); padding: 4px 12px; }
.card { margin-top: 8px; border-left-color: var(--error); }
.card.good { border-left-color: var(--good); }
.card.soft, .cover { border-left-color: var(--soft); }
.good b.mark { color: var(--good); } .bad b.mark { color: var(--error); }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend { padding: 0; margin: 0 0 4px; }
label.option { display: flex; gap: 8px; align-items: baseline; padding: 2px 0; cursor: pointer; }
label.option input { flex: none; margin: 0; position: relative; top: 1px; accent-color: var(--client); }
label.field span { display: block; font-size: .9em; color: var(--soft); }
label.field input { box-sizing: border-box; width: 220px; max-width: 100%; height: 30px; padding: 0 6px; border: 1px solid var(--edge); border-radius: 4px;
  background: var(--surface); color: var(--ink); font: 14px ui-monospace, Menlo, Consolas, monospace; }
code { font: .92em ui-monospace, Menlo, Consolas, monospace; }
button { min-height: 30px; padding: 2px 10px; border: 1px solid var(--edge); border-radius: 4px; background: var(--surface); color: var(--ink); font: inherit;
  cursor: pointer; overflow-wrap: anywhere; text-align: left; }
button:hover { border-color: var(--ink); }
button.main { margin-top: 8px; background: light-dark(#0072b2, #56b4e9); border-color: transparent; color: light-dark(#ffffff, #111418); }
button.main:hover { text-decoration: underline; }
:is(button, input):focus-visible { outline: 2px solid var(--client); outline-offset: 2px; }
ol, .row { display: flex; flex-wrap: wrap; gap: 6px; margin: 4px 0; padding: 0; list-style: none; counter-reset: step; }
ol li { counter-increment: step; display: flex; gap: 6px; align-items: center; min-height: 32px; min-width: 64px; border-bottom: 1px dashed var(--edge); }
ol li::before { content: counter(step); color: var(--soft); font-weight: 600; }
.hint { color: var(--soft); font-size: .9em; }
picture, img { display: block; max-width: 100%; height: auto; }
.cover { padding: 4px 12px; border-left: 4px solid var(--soft); }
.cover p { margin: 0 0 6px; }
[hidden] { display: none !important; }
@media print { button.main, .cover, .hint { display: none !important; } .under[hidden] { display: block !important; } }`;

function make(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...content);              // words stay words: nothing here is read as HTML
  return made;
}

function marked(text) {                 // what stands between backquotes is code
  return text.split(/`([^`]*)`/).map((part, n) => n % 2 ? make("code", {}, part) : part);
}

// --- judging: a reply is a place among the choices or null, a list of places, or what was typed
function trimmed(text) {
  return text.replace(/^[ \t\r\n\u00a0\u202f]+|[ \t\r\n\u00a0\u202f]+$/g, "");
}

function readNumber(text) {             // a BigInt, or null
  const digits = trimmed(text).replace(/([0-9])[ ,_\u00a0\u202f](?=[0-9])/g, "$1");
  if (!/^(?:-?[0-9]{1,60}|0[xX][0-9a-fA-F]{1,40})$/.test(digits)) return null;
  return digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits);
}

function shortened(text, limit) {
  const letters = [...text];
  return letters.length <= limit ? text : letters.slice(0, limit).join("") + "…";
}

function unfit(data, reply) {
  if (data.kind === "single" && !(reply in data.choices)) return "Choose one of the answers first.";
  if (data.kind === "order" && String([...reply].sort((a, b) => a - b)) !== String(data.choices.map((_, n) => n))) return "Use each step once.";
  if (data.kind === "number" && !trimmed(reply)) return "Type a number first.";
  if (data.kind === "number" && readNumber(reply) === null)
    return `"${shortened(reply, 24)}" is not a whole number. Give one in decimal, or in hex after 0x.`;
  return "";
}

function judge(data, reply) {           // {right, why: [sentence, …]}
  const wrong = unfit(data, reply), {right} = data;
  if (wrong) return {right: false, why: [wrong]};
  if (data.kind === "single") return {right: reply === right, why: [data.says[reply]]};
  if (data.kind === "multiple") {
    const said = reply.filter(n => !right.includes(n)).sort((a, b) => a - b).map(n => data.says[n]);
    const missed = right.filter(n => !reply.includes(n)).length;
    if (missed) said.push(`${missed} more ${missed === 1 ? "holds" : "hold"}.`);
    return {right: !said.length, why: said.length ? said : data.says};
  }
  if (data.kind === "number") {
    const value = readNumber(reply), wanted = BigInt(right), key = String(value);
    if (value === wanted) return {right: true, why: [data.because]};
    return {right: false, why: [Object.hasOwn(data.wrong, key) ? data.wrong[key] : `Too ${value < wanted ? "small" : "large"}.`]};
  }
  if (String(reply) === String(right)) return {right: true, why: [data.because]};
  for (const [early, late, why] of data.wrong)
    if (reply.indexOf(early) < reply.indexOf(late)) return {right: false, why: [why]};
  return {right: false, why: [`The ${PLACES[reply.findIndex((step, n) => step !== right[n])]} step is another one.`]};
}

// --- a reply in words, as Pictured of netlab/teach/pictured.py has it
function said(data, reply) {
  if (data.kind === "single") return data.choices[reply];
  if (data.kind === "multiple") return data.choices.filter((_, n) => reply.includes(n)).join("; ") || "none of them";
  return data.kind === "order" ? reply.map(n => data.choices[n]).join(", ") : String(readNumber(reply) ?? "?");
}

const plain = (data, reply) => said(data, reply).replaceAll("`", "");

function counted(data, reply) {
  if (data.kind !== "number" || !data.unit) return said(data, reply);
  const value = readNumber(reply);
  return `${value.toLocaleString("en-US")} ${data.unit}${value === 1n ? "" : data.unit.endsWith("s") ? "es" : "s"}`;
}

const partsOf = (data, text) => data.parts > 1 ? [...text.split(PARTS), ...Array(data.parts).fill("?")].slice(0, data.parts) : [text];

// --- pictures: drawings in data addresses, with boxes as netlab/teach/boxes.py makes them
function redraw(picture, alt, guess, choice = null) {
  const image = picture?.querySelector("img");
  if (!image) return;
  for (const [node, name] of [[image, "src"], [picture.querySelector("source"), "srcset"]]) {
    if (!node) continue;
    node.drawn ??= decodeURIComponent(node.getAttribute(name).replace(/^[^,]*,/, ""));
    const svg = new DOMParser().parseFromString(node.drawn, "image/svg+xml");
    for (const box of svg.querySelectorAll('[data-box="guess"]')) {
      const text = box.querySelector("text"), words = shortened(guess[box.dataset.part], LONGEST);
      text.textContent = words;
      const room = box.dataset.wide - 6, squeezed = [...words].length * box.dataset.char > room;
      for (const [key, value] of [["textLength", room - 2], ["lengthAdjust", "spacingAndGlyphs"]])
        if (squeezed) text.setAttribute(key, value); else text.removeAttribute(key);
    }
    const seen = (shape, shown) => shown ? shape.removeAttribute("display") : shape.setAttribute("display", "none");
    for (const shape of svg.querySelectorAll("[data-choice]")) seen(shape, +shape.dataset.choice === choice);
    for (const shape of svg.querySelectorAll("[data-without]")) seen(shape, !shape.dataset.without.split(" ").includes(String(choice)));
    node.setAttribute(name, "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(svg)));
  }
  image.alt = alt;
}

const kept = new Map();                 // a question's name: {data, reply}, once a guess is kept
const dataIn = element => JSON.parse(element.querySelector('script[type="application/json"]').textContent);

class Parsed extends HTMLElement {      // begins when all that it holds is there
  connectedCallback() {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.start(), {once: true});
    else this.start();
  }

  start() {
    if (this.shadowRoot || !this.querySelector('script[type="application/json"]')) return;
    this.data = dataIn(this);
    this.root = this.attachShadow({mode: "open"});
    this.root.append(make("style", {}, SHEET));
    this.begin();
  }
}

class Question extends Parsed {
  static judge = judge;

  begin() {
    const {kind, ask, how, name} = this.data;
    this.placed = [];                   // of an order: the steps so far
    this.answers = make("div");
    this.verdict = make("div");
    this.picture = this.querySelector("picture")?.cloneNode(true) ?? "";
    this.alt = this.picture && this.picture.querySelector("img").alt.replace(/Your guess: [^]*$/, "");
    this.form = make("form", {novalidate: ""},
      make("fieldset", {}, make("legend", {}, make("b", {}, "Predict."), " ", ...marked(ask), " ", make("i", {}, how)), this.picture, this.answers),
      make("button", {type: "submit", class: "main"}, name ? "Keep my guess" : "Check my prediction"), this.verdict);
    this.form.addEventListener("submit", event => {
      event.preventDefault();
      name ? this.keep() : this.check();
    });
    this.form.addEventListener("input", () => this.changed());
    ({number: this.number, order: this.steps}[kind] ?? this.options).call(this);
    this.root.append(this.form);
  }

  options() {
    const type = this.data.kind === "single" ? "radio" : "checkbox";
    this.answers.append(...this.data.choices.map((choice, n) => make("label", {class: "option"},
      make("input", {type, name: "answer", value: n}), make("span", {}, ...marked(choice)))));
  }

  number() {
    this.answers.append(make("label", {class: "field"}, make("span", {}, "Your number"),
      make("input", {name: "answer", inputmode: "numeric", autocomplete: "off", spellcheck: "false"})));
  }

  steps() {
    const button = n => {
      const made = make("button", {type: "button"}, ...marked(this.data.choices[n]));
      made.onclick = () => {
        this.placed = this.placed.includes(n) ? this.placed.filter(step => step !== n) : [...this.placed, n];
        this.changed();
        this.steps();
        this.buttons[n].focus();
      };
      return this.buttons[n] = made;
    };
    this.buttons = {};
    const left = this.data.choices.map((_, n) => n).filter(n => !this.placed.includes(n));
    const places = [...this.placed.map(button), ...left.map(() => "…")].map(each => make("li", {}, each));
    this.answers.replaceChildren(make("ol", {"aria-label": "Your order"}, ...places), make("div", {class: "row"}, ...left.map(button)),
      make("div", {class: "hint"}, "Press the steps in their order. Press a step in the row above to take it back."));
  }

  reply() {
    const inputs = [...this.answers.querySelectorAll("input")];
    if (this.data.kind === "number") return inputs[0].value.toWellFormed?.() ?? inputs[0].value;
    if (this.data.kind === "order") return [...this.placed];
    const chosen = inputs.filter(input => input.checked).map(input => +input.value);
    return this.data.kind === "multiple" ? chosen : chosen[0] ?? null;
  }

  changed() {                           // what was said of the reply before is gone
    this.verdict.replaceChildren();
    const still = this.stillKept();
    if (still) this.say(still, "status");
    for (const mark of this.answers.querySelectorAll(".mark")) mark.remove();
    if (this.picture) this.draw();
  }

  draw() {
    const {data} = this, reply = this.reply(), guess = unfit(data, reply) ? Array(data.parts).fill("?") : partsOf(data, plain(data, reply));
    redraw(this.picture, `${this.alt}Your guess: ${guess.join(PARTS)}`, guess, reply);
  }

  check() {
    const reply = this.reply(), {right, why} = judge(this.data, reply);
    this.verdict.replaceChildren(make("div", {class: `card ${right ? "good" : ""}`, role: "alert"}, make("b", {}, right ? "Right." : "Not yet."),
      ...why.flatMap(sentence => [make("br"), ...marked(sentence)])));
    for (const input of this.answers.querySelectorAll(".option input")) {
      const n = +input.value, holds = [this.data.right].flat().includes(n);
      input.nextSibling.querySelector(".mark")?.remove();
      input.parentNode.className = `option ${holds ? "good" : "bad"}`;
      if ([reply].flat().includes(n)) input.nextSibling.prepend(make("b", {class: "mark"}, holds ? "✓ " : "✗ "));
    }
  }

  say(words, role) {
    this.verdict.replaceChildren(make("div", {class: "card soft", role}, ...marked(words)));
  }

  stillKept() {                         // the guess that was kept before the answer changed
    const before = kept.get(this.data.name);
    return before ? `Still kept: ${counted(before.data, before.reply)}.` : "";
  }

  keep() {
    const {data} = this, reply = this.reply(), wrong = unfit(data, reply);
    const below = document.querySelector(`netlab-beside[data-question="${CSS.escape(data.name)}"]`) ? " What came stands below." : "";
    this.say(wrong ? `${wrong} ${this.stillKept()}`.trimEnd() : `Kept: ${counted(data, reply)}.${below}`, "alert");
    if (wrong) return;
    kept.set(data.name, {data, reply});
    document.dispatchEvent(new CustomEvent("netlab-guess", {detail: data.name}));
  }
}

class Beside extends Parsed {
  begin() {
    const show = make("button", {type: "button"}, "Show without a guess");
    this.cover = make("div", {class: "cover"}, make("p", {}, "What came is covered until you keep a guess."), show);
    this.without = make("slot", {name: "said"});
    this.verdict = make("div", {role: "status"});
    this.under = make("div", {class: "under", hidden: "", tabindex: -1}, make("slot"), this.without, this.verdict);
    this.root.append(this.cover, this.under);
    show.onclick = () => {
      this.uncover();
      this.under.focus();
    };
    document.addEventListener("netlab-guess", event => event.detail === this.data.name && this.guessed());
    if (kept.has(this.data.name)) this.guessed();
    else if (!document.querySelector(`netlab-question[data-name="${CSS.escape(this.data.name)}"]`)) this.uncover();      // nobody asks here
  }

  uncover() {
    this.cover.hidden = true;
    this.under.hidden = false;
  }

  guessed() {
    const {data, reply} = kept.get(this.data.name), {came, otherwise} = this.data, guess = plain(data, reply);
    const boxes = partsOf(data, guess).map((part, n) => `you: ${shortened(part, LONGEST - 8)} ${part === partsOf(data, came)[n] ? "✓" : "✗"}`);
    const picture = this.querySelector("picture"), alt = this.alt ??= picture.querySelector("img").alt.replace(/No guess\.$/, "");
    redraw(picture, `${alt}You: ${guess}.`, boxes);
    const right = guess === came, why = otherwise ? [...right ? ["Your guess is what came."] : [], otherwise] : judge(data, reply).why;
    this.verdict.replaceChildren(make("div", {class: `card ${right ? "good" : ""}`},
      make("b", {}, ...marked(`you: ${counted(data, reply)} · came: ${this.data.counted}`)), ...why.flatMap(each => [make("br"), ...marked(each)])));
    this.without.hidden = true;
    this.uncover();
  }
}

customElements.define("netlab-question", Question);
customElements.define("netlab-beside", Beside);
})();
