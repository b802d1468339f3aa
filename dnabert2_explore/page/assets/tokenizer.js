// Byte-pair encoding as the tokenizers library does it: of all pairs of neighbours that the
// vocabulary merges, the one learnt first; of equals, the leftmost.
class Tokenizer {
  constructor(vocabulary, merges, anchor) {
    this.ids = new Map(Object.entries(vocabulary));
    this.ranks = new Map(merges.map((pair, rank) => [pair, rank]));
    this.anchor = anchor;
    this.special = Object.fromEntries(
      ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].map((name) => [name, this.ids.get(name)]),
    );
    this.cache = new Map();
  }

  // Bases without blanks, in capitals, U as T; everything else as N. Throws a sentence.
  static clean(text) {
    const lines = text.split(/\r?\n/);
    if (lines.filter((line) => line.startsWith(">")).length > 1) {
      throw new Error("Several records were pasted: this page reads one sequence at a time.");
    }
    const bases = lines.filter((line) => !line.startsWith(">")).join("").replace(/\s/g, "").toUpperCase();
    if (!bases) throw new Error("There is no sequence: paste A, C, G and T.");
    const strange = bases.search(/[^A-Z*.-]/);
    if (strange >= 0) {
      throw new Error(`Character ${strange + 1} is “${bases[strange]}”, which is no letter: take it out.`);
    }
    return bases.replace(/U/g, "T").replace(/[^ACGT]/g, "N");
  }

  static reverseComplement(bases) {
    const other = { A: "T", C: "G", G: "C", T: "A" };
    return [...bases].reverse().map((base) => other[base] ?? "N").join("");
  }

  // Pieces of a stretch: a list linked by index and a heap of pairs ordered by rank, then place.
  pieces(bases) {
    const n = bases.length;
    const text = [...bases];
    const next = Array.from({ length: n }, (_, i) => (i + 1 < n ? i + 1 : -1));
    const before = Array.from({ length: n }, (_, i) => i - 1);
    const heap = [];
    const less = (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
    const push = (item) => {
      let i = heap.push(item) - 1;
      while (i > 0) {
        const up = (i - 1) >> 1;
        if (!less(heap[i], heap[up])) break;
        [heap[i], heap[up]] = [heap[up], heap[i]];
        i = up;
      }
    };
    const pop = () => {
      const top = heap[0];
      const last = heap.pop();
      if (heap.length) {
        heap[0] = last;
        let i = 0;
        for (;;) {
          let least = i;
          for (const child of [2 * i + 1, 2 * i + 2]) {
            if (child < heap.length && less(heap[child], heap[least])) least = child;
          }
          if (least === i) break;
          [heap[i], heap[least]] = [heap[least], heap[i]];
          i = least;
        }
      }
      return top;
    };
    const offer = (i) => {
      if (i < 0 || next[i] < 0) return;
      const rank = this.ranks.get(`${text[i]} ${text[next[i]]}`);
      if (rank !== undefined) push([rank, i, text[i] + text[next[i]]]);
    };
    for (let i = 0; i < n; i += 1) offer(i);
    while (heap.length) {
      const [, i, merged] = pop();
      const j = next[i];
      if (text[i] === null || j < 0 || text[i] + text[j] !== merged) continue; // no longer neighbours
      text[i] = merged;
      text[j] = null;
      next[i] = next[j];
      if (next[j] >= 0) before[next[j]] = i;
      offer(before[i]);
      offer(i);
    }
    return text.filter((one) => one !== null);
  }

  // Tokens with [CLS] and [SEP], and a [SEP] at the anchor of a model that reads sites.
  encode(bases) {
    const known = this.cache.get(bases);
    if (known) return known;
    const at = this.anchor === "middle" ? bases.length >> 1 : this.anchor;
    const parts = at !== null && at > 0 && at < bases.length
      ? [bases.slice(0, at), bases.slice(at)] : [bases];
    const tokens = [{ text: "[CLS]", id: this.special["[CLS]"], start: 0, end: 0 }];
    let start = 0;
    for (const part of parts) {
      for (const text of this.pieces(part)) {
        const id = this.ids.get(text) ?? this.special["[UNK]"];
        tokens.push({ text, id, start, end: start + text.length });
        start += text.length;
      }
      tokens.push({ text: "[SEP]", id: this.special["[SEP]"], start, end: start });
    }
    if (this.cache.size > 5000) this.cache.clear();
    this.cache.set(bases, tokens);
    return tokens;
  }
}
