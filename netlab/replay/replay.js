// <netlab-replay> holds a picture and, as JSON, steps; this shows one step after the other. See netlab/replay/player.py.
(() => {
if (customElements.get("netlab-replay")) return;
const CSS = `SHEET`, FORM = 1;          // as in player.py: an older script leaves newer data alone, and the picture is seen
const TALL = 440, LOW = 260;             // the most that is seen of a drawing, in its own units; of that on a telephone
const BEAT = 1000, READ = 35;           // milliseconds from step to step in play, and more for each letter that is to be read

function make(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...content);              // words stay words: nothing here is read as HTML
  return made;
}

class Replay extends HTMLElement {
  connectedCallback() {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => this.begin(), {once: true});
    else this.begin();
    // JupyterLab takes keys on a button for its own short cuts; Control, Command, Escape and Shift+Enter stay its own.
    this.guard = ({target, key, ctrlKey, metaKey, shiftKey}) => target === this &&
      this.toggleAttribute("data-lm-suppress-shortcuts", !(ctrlKey || metaKey || key === "Escape" || key === "Enter" && shiftKey));
    window.addEventListener("keydown", this.guard, true);
  }

  disconnectedCallback() {
    this.pause();
    window.removeEventListener("keydown", this.guard, true);
  }

  begin() {
    const data = this.querySelector('script[type="application/json"]');
    if (this.shadowRoot || !data) return;
    this.data = JSON.parse(data.textContent);
    if (this.data.form !== FORM) return;
    this.last = this.data.steps.length;
    const root = this.attachShadow({mode: "open"});
    this.stage = make("div", {class: "stage", hidden: ""});
    this.open = make("button", {type: "button", class: "open"}, "Step through it");
    this.open.onclick = () => this.show(1, true);
    this.whole = make("div", {class: "whole"}, make("slot"), this.open);
    root.append(make("style", {}, CSS), this.whole, this.stage);
    if (this.hasAttribute("opened")) this.show(1);
  }

  build() {
    const button = (name, act) => Object.assign(make("button", {type: "button"}, name), {onclick: () => (this.pause(), act())});
    this.says = make("p", {class: "says", role: "status", "aria-live": "polite"});
    this.scenes = make("div", {class: "scenes"});
    this.code = make("div", {class: "code"});
    this.moment = make("div", {class: "moment"}, this.scenes, this.code);
    this.slider = make("input", {type: "range", min: 1, max: this.last, value: 1, "aria-label": "Step"});
    this.slider.oninput = () => (this.pause(), this.show(+this.slider.value));
    this.count = make("span", {class: "count"});
    this.back = [button("First", () => this.show(1)), button("Previous", () => this.show(this.now - 1))];
    this.on = [button("Next", () => this.show(this.now + 1)), button("Last", () => this.show(this.last))];
    this.player = make("button", {type: "button"}, "Play");
    this.player.onclick = () => this.timer ? this.pause() : this.play();
    const close = button("Whole picture", () => this.close());
    const bar = make("div", {class: "bar", role: "group", "aria-label": "Replay"}, ...this.back, this.player, ...this.on, this.slider,
                     this.count, close);
    this.stage.append(make("div", {class: "top"}, this.says, bar),
                      make("div", {class: "columns"}, this.film(), this.moment));
    this.stage.addEventListener("keydown", event => {
      const to = {ArrowLeft: this.now - 1, ArrowRight: this.now + 1, Home: 1, End: this.last}[event.key];
      if (!to || event.target === this.slider || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.pause();
      this.show(to);
    });
  }

  film() {                              // the narrow drawing, its head apart, so that it stays in view
    const source = this.data.film || decodeURIComponent(this.querySelector("source").srcset.replace(/^[^,]*,/, ""));
    const whole = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
    for (const about of whole.querySelectorAll(":scope > title, :scope > desc, :scope > style")) about.remove();
    const [, , width, height] = whole.getAttribute("viewBox").split(" ").map(Number);
    const heads = [...whole.querySelectorAll("[data-head]")], head = Math.max(0, ...heads.map(each => +each.dataset.head));
    const top = whole.cloneNode(false), under = whole.querySelector("g").cloneNode(false);
    under.append(...heads);
    top.append(under);
    top.setAttribute("viewBox", `0 0 ${width} ${head}`);
    top.setAttribute("aria-hidden", "true");
    this.size = {width, height, head};
    const main = whole.querySelector("g"), surface = main.firstElementChild;
    this.band = document.createElementNS(whole.namespaceURI, "rect");
    this.band.setAttribute("class", "band");
    this.band.setAttribute("width", width);
    if (surface?.localName === "rect") surface.remove();
    main.prepend(this.band);
    this.moved = document.createElementNS(whole.namespaceURI, "g");
    this.moved.append(...whole.childNodes);
    whole.append(this.moved);
    this.drawing = document.adoptNode(whole);
    this.groups = Array.from({length: this.last + 1}, () => []);        // what each step brings
    this.ends = this.groups.map(() => []);                              // what is gone from that step on
    for (const group of this.drawing.querySelectorAll("[data-step]")) this.groups[group.dataset.step]?.push(group);
    for (const shape of this.drawing.querySelectorAll("[data-until]")) this.ends[shape.dataset.until]?.push(shape);
    for (const group of this.groups.flat()) group.classList.add("later");
    const first = (found, name) => found.map(group => group.dataset[name]).filter(y => y !== undefined).map(Number)[0];
    this.rows = this.groups.map(found => first(found, "y"));            // where its row is, which is marked by a band
    this.at = this.groups.map((found, n) => this.rows[n] ?? first(found, "at"));        // or only what is to be in view
    return make("div", {class: "film"}, ...head ? [document.adoptNode(top)] : [], this.drawing);
  }

  show(step, focus = false) {
    if (!this.slider) this.build();
    this.stage.hidden = false;
    this.whole.hidden = true;
    const was = this.now ?? 0, now = this.now = Math.max(1, Math.min(this.last, step));
    for (const group of this.groups[was] ?? []) group.classList.remove("now");
    for (let n = Math.min(was, now); n <= Math.max(was, now); n++) {
      for (const group of this.groups[n]) group.classList.toggle("later", n > now);
      for (const shape of this.ends[n]) shape.classList.toggle("gone", n <= now);
    }
    for (const group of this.groups[now]) group.classList.add("now");
    this.frame(now);
    const [says, scenes, line, lines] = this.data.steps[now - 1], before = now > 1 ? this.data.steps[now - 2][1] : scenes;
    if (this.says.textContent !== says) this.says.textContent = says;
    this.scenes.replaceChildren(...scenes.map(each => this.scene(this.data.scenes[each], before.map(n => this.data.scenes[n]))));
    this.code.replaceChildren(...this.lit(line, lines));
    this.hold();
    this.slider.value = now;
    this.slider.setAttribute("aria-valuetext", `step ${now} of ${this.last}`);
    this.count.textContent = `Step ${now} of ${this.last}`;
    for (const button of this.back) button.setAttribute("aria-disabled", now === 1);
    for (const button of this.on) button.setAttribute("aria-disabled", now === this.last);
    if (!focus) return;
    this.on[0].focus();
    this.says.scrollIntoView({block: "nearest"});       // the button that opened it stands below a tall picture
  }

  frame(now) {                          // what part of the drawing is seen: that with the present row
    const {width, height, head} = this.size, y = this.at[now], row = this.rows[now], room = this.stage.clientWidth;
    const tall = Math.min(room && room < 560 ? LOW : TALL, height - head);
    if (tall !== this.tall) this.drawing.setAttribute("viewBox", `0 0 ${width} ${this.tall = tall}`);
    if (row !== undefined) {
      const next = this.rows.slice(now + 1).find(other => other > row) ?? row + 30;
      this.band.setAttribute("y", row - 13);
      this.band.setAttribute("height", Math.max(20, Math.min(next - row - 2, 90)));
    }
    this.band.style.display = row === undefined ? "none" : "";
    const from = y === undefined ? this.from ?? head : Math.max(head, Math.min(height - tall, y - tall * .6));
    this.moved.setAttribute("transform", `translate(0 ${-(this.from = from)})`);       // another viewBox: all texts laid out anew
  }

  hold() {                              // what stands below must not jump up: the height is the most so far, at this width
    const width = this.moment.clientWidth;
    this.moment.style.minHeight = "";
    this.most = Math.max(width === this.wide ? this.most : 0, this.moment.offsetHeight);
    this.wide = width;
    this.moment.style.minHeight = `${this.most}px`;
  }

  scene([left, ways, right], before) {
    const known = before.flatMap(([l, w, r]) => [`p${l}`, `p${r}`, ...w.map(n => `w${n}`)]);
    const place = n => {
      const [name, side, state, doing, queue] = this.data.places[n];
      const made = make("div", {class: `place ${side} ${known.includes(`p${n}`) ? "" : "fresh"}`}, make("b", {}, name));
      if (state) made.append(" ", make("span", {class: "state"}, state));
      if (doing) made.append(make("div", {class: "doing"}, `waits in ${doing}`));
      if (queue) made.append(make("div", {class: "queue"}, queue.length ? "queue: " : "queue: empty", ...queue.map(who => make("span", {}, who))));
      return made;
    };
    const ends = make("div", {class: "ends"}, left < 0 ? "" : place(left), right < 0 ? "" : place(right));
    return make("div", {class: "scene"}, ends, ...ways.map(n => this.way(this.data.ways[n], !known.includes(`w${n}`))));
  }

  way([label, borders, pieces, rest, words], fresh) {
    const strip = make("div", {class: "strip", role: "img", "aria-label": words});
    for (const [colour, letters, hex, more] of pieces) {
      const piece = make("span", {class: borders ? "piece apart" : "piece", style: colour === null ? null : `--c:var(--nl-send${colour})`});
      [...letters].forEach((letter, n) => piece.append(make("span", {class: "byte"}, letter, make("i", {}, hex.slice(2 * n, 2 * n + 2)))));
      if (more || !letters) piece.append(make("span", {class: "byte more"}, letters ? `+${more}` : more ? `${more}` : "empty",
                                              make("i", {}, more === 1 ? "byte" : more ? "bytes" : "datagram")));
      strip.append(piece);
    }
    if (rest) strip.append(make("span", {class: "rest"}, `and ${rest} more`));
    if (!pieces.length) strip.append(make("span", {class: "none"}, "nothing"));
    return make("div", {class: fresh ? "way fresh" : "way"}, make("span", {class: "label"}, label), strip);
  }

  lit(present, others) {                // the code of the present line, and where other threads stand
    const lines = [...present ? [present] : [], ...others.toReversed()];
    return [...new Set(lines.map(([block]) => block))].map(number => {
      const [title, text] = this.data.code[number], own = lines.filter(([block]) => block === number).map(([, line]) => line);
      const now = present && present[0] === number ? present[1] : 0, from = Math.max(0, Math.min(own[0] - 6, text.length - 11));
      const rows = text.slice(from, from + 11).map((words, n) => {
        const line = from + n + 1;
        const kind = line === now ? "line now" : own.includes(line) ? "line lit" : "line";
        return make("div", {class: kind, style: `--in:${words.search(/\S|$/)}`}, words.trimStart() || " ");
      });
      return make("div", {class: "block"}, title ? make("div", {class: "title"}, title) : "", make("pre", {}, ...rows));
    });
  }

  play() {
    if (this.now === this.last) this.show(1);
    this.player.textContent = "Pause";
    this.says.setAttribute("aria-live", "off");         // it would be read out long after it has gone
    this.go();
  }

  go() {                                // the next step, when there was time to read this one
    this.timer = setTimeout(() => {
      this.show(this.now + 1);
      this.now < this.last ? this.go() : this.pause();
    }, BEAT + READ * this.says.textContent.length);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    if (!this.player) return;
    this.player.textContent = "Play";
    this.says.setAttribute("aria-live", "polite");
  }

  close() {
    this.stage.hidden = true;
    this.whole.hidden = false;
    this.open.focus();
  }
}
customElements.define("netlab-replay", Replay);
})();
