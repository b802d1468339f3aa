// The network: onnxruntime-web from the page itself, on one thread (a file has no cross-origin isolation).
async function unpack(id) {
  const text = document.getElementById(id).textContent;
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  document.getElementById(id).remove();
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const breathe = () => new Promise((done) => { setTimeout(done, 0); });

class Stopped extends Error {}

class Engine {
  static TOKENS = 1536; // in one pass
  static WEIGHTS = 2 ** 28; // of attention: a gigabyte, and WebAssembly has four

  static async open(about) {
    const engine = new Engine();
    engine.about = about;
    engine.tokenizer = new Tokenizer(about.vocabulary, about.merges, about.anchor);
    const address = URL.createObjectURL(new Blob([await unpack("dx-ort")], { type: "text/javascript" }));
    engine.ort = await import(address);
    URL.revokeObjectURL(address);
    engine.ort.env.wasm.wasmBinary = (await unpack("dx-wasm")).buffer;
    engine.ort.env.wasm.numThreads = 1;
    engine.session = await engine.ort.InferenceSession.create(await unpack("dx-model"), {
      executionProviders: ["wasm"], graphOptimizationLevel: "all",
    });
    return engine;
  }

  // One pass over rows of ids, all equally long.
  async pass(rows, outputs = this.about.outputs) {
    const shape = [rows.length, rows[0].length];
    const special = this.tokenizer.special;
    const outside = new Set([special["[CLS]"], special["[SEP]"]]);
    const flat = rows.flat();
    const ids = BigInt64Array.from(flat, BigInt);
    const counted = BigInt64Array.from(flat, (id) => (outside.has(id) ? 0n : 1n));
    const found = await this.session.run({
      input_ids: new this.ort.Tensor("int64", ids, shape),
      counted: new this.ort.Tensor("int64", counted, shape),
    }, outputs);
    return Object.fromEntries(outputs.map((name) => [name, found[name]]));
  }

  // Logits of many rows of ids, those of equal length together; each(index, logits, rows at once).
  async many(rows, each, progress, stopped) {
    const order = rows.map((_, i) => i).sort((a, b) => rows[a].length - rows[b].length);
    let done = 0;
    while (done < order.length) {
      const length = rows[order[done]].length;
      const most = Math.max(1, Math.floor(Engine.TOKENS / length));
      const batch = [];
      while (done + batch.length < order.length && batch.length < most
        && rows[order[done + batch.length]].length === length) batch.push(order[done + batch.length]);
      const { logits } = await this.pass(batch.map((i) => rows[i]), ["logits"]);
      const width = logits.data.length / batch.length;
      batch.forEach((i, k) => each(i, logits.data.subarray(k * width, (k + 1) * width)));
      done += batch.length;
      progress(done / order.length);
      await breathe();
      if (stopped()) throw new Stopped();
    }
  }

  probabilities(logits) {
    if (this.about.regression) return Array.from(logits);
    if (this.about.multilabel) return Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
    const top = Math.max(...logits);
    const grown = Array.from(logits, (x) => Math.exp(x - top));
    const sum = grown.reduce((a, b) => a + b, 0);
    return grown.map((x) => x / sum);
  }

  encode(bases) {
    const { anchor } = this.about;
    const at = anchor === "middle" ? bases.length >> 1 : anchor;
    if (at !== null && !(at > 0 && at < bases.length)) {
      throw new Error(`A sequence of ${bases.length} bases cannot be read as two parts, as this model reads sites.`);
    }
    const tokens = this.tokenizer.encode(bases);
    const { limit } = this.about; // where a classifier's inputs were cut in training
    if (!limit || tokens.length <= limit) return tokens;
    const { end } = tokens[limit - 2];
    return [...tokens.slice(0, limit - 1), { ...tokens.at(-1), start: end, end }];
  }

  // Probabilities in the order of the classes: one plain forward pass.
  async predict(text) {
    if (!this.about.classes.length) throw new Error(`${this.about.name} has no head that predicts.`);
    const tokens = this.encode(Tokenizer.clean(text));
    const { logits } = await this.pass([tokens.map((one) => one.id)], ["logits"]);
    return this.probabilities(logits.data);
  }

  async read(bases) {
    const tokens = this.encode(bases);
    if (this.about.layers * this.about.heads * tokens.length ** 2 > Engine.WEIGHTS) {
      throw new Error(`These are ${tokens.length.toLocaleString("en")} tokens, whose attention takes more memory than a page has: give a shorter sequence.`);
    }
    const found = await this.pass([tokens.map((one) => one.id)]);
    return {
      bases,
      tokens,
      logits: found.logits && this.about.classes.length ? Array.from(found.logits.data) : null,
      attentions: found.attention_maps.data,
      mean: Array.from(found.mean_vector.data),
    };
  }

  // What the logit of a class loses where a token is hidden by [MASK], per token.
  async occlude(reading, target, progress, stopped) {
    const ids = reading.tokens.map((one) => one.id);
    const inside = reading.tokens.map((one, i) => (one.end > one.start ? i : -1)).filter((i) => i >= 0);
    const rows = inside.map((i) => ids.map((id, k) => (k === i ? this.tokenizer.special["[MASK]"] : id)));
    const scores = new Float64Array(ids.length);
    await this.many(rows, (i, logits) => { scores[inside[i]] = reading.logits[target] - logits[target]; }, progress, stopped);
    return scores;
  }

  // Every base by every other: (bases, 4) changes of the logit of a class; 0 for the base that stands.
  async mutate(reading, target, progress, stopped) {
    const { bases } = reading;
    const places = [];
    const rows = [];
    for (let i = 0; i < bases.length; i += 1) {
      for (let k = 0; k < 4; k += 1) {
        if ("ACGT"[k] !== bases[i]) {
          places.push([i, k]);
          const mutant = bases.slice(0, i) + "ACGT"[k] + bases.slice(i + 1);
          rows.push(this.encode(mutant).map((one) => one.id));
        }
      }
    }
    const changes = new Float64Array(4 * bases.length);
    await this.many(rows, (i, logits) => {
      const [place, base] = places[i];
      changes[4 * place + base] = logits[target] - reading.logits[target];
    }, progress, stopped);
    return changes;
  }

  // (bases, tokens): the largest symmetrised KL divergence, nats, over a base's three substitutions,
  // between the masked-LM head's distributions at a token that keeps its span; NaN where none does.
  async depend(reading, progress, stopped) {
    const { bases, tokens } = reading;
    let width = 0; // of the head, which may have rows that the tokenizer has no entry for
    const logs = (logits, row) => {
      const part = logits.subarray(row * width, (row + 1) * width);
      let top = -Infinity;
      for (const x of part) if (x > top) top = x;
      let sum = 0;
      for (const x of part) sum += Math.exp(x - top);
      const shift = top + Math.log(sum);
      return Float64Array.from(part, (x) => x - shift);
    };
    const { logits } = await this.pass([tokens.map((one) => one.id)], ["logits"]);
    width = logits.data.length / tokens.length;
    const before = tokens.map((_, row) => logs(logits.data, row));
    const rows = [];
    const kept = [];
    const places = [];
    for (let i = 0; i < bases.length; i += 1) {
      for (const base of "ACGT") {
        if (base !== bases[i]) {
          const mutant = this.encode(bases.slice(0, i) + base + bases.slice(i + 1));
          const spans = new Map(mutant.map((one, k) => [one.end > one.start ? `${one.start}-${one.end}` : `none ${k}`, k]));
          rows.push(mutant.map((one) => one.id));
          kept.push(tokens.map((one) => (one.end > one.start ? spans.get(`${one.start}-${one.end}`) ?? -1 : -1)));
          places.push(i);
        }
      }
    }
    const values = new Float64Array(bases.length * tokens.length).fill(NaN);
    await this.many(rows, (i, found) => {
      kept[i].forEach((row, token) => {
        if (row < 0) return;
        const after = logs(found, row);
        const was = before[token];
        let divergence = 0;
        for (let v = 0; v < width; v += 1) divergence += (Math.exp(was[v]) - Math.exp(after[v])) * (was[v] - after[v]);
        const at = places[i] * tokens.length + token;
        if (!(values[at] >= divergence)) values[at] = divergence;
      });
    }, progress, stopped);
    return values;
  }
}
