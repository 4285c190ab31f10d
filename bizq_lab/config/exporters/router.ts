// Assignment, the same as bizq_lab's to the last unit: see bizq_lab/config/assign.py for the definition byte by byte.
// No imports and no dependency: it runs in Node, in a worker and in a browser.

/** The arm that a unit gets, and the model that serves it. */
export interface Assignment {
  arm: string;
  /** Who decided. */
  policy: 'experiment' | 'weights' | 'rules';
  /** What was hashed. */
  unit: string;
  /** Probability of this arm: log it with the decision. */
  propensity: number;
  experiment: string;
  stage: string;
  config: ModelConfig;
}

/**
 * Assign a task: experiments first, then weights, then the base model.
 *
 * @param taskType - Its type; one that nobody declared is served by `default`.
 * @param workspaceId - What sticks to its arm, unless the config says the task does.
 * @param taskKey - Identity of the task, where the unit is the task.
 */
export function assign(taskType: string, workspaceId: string, taskKey: string = workspaceId): Assignment {
  for (const split of own(SPLITS, taskType) ?? []) {
    const unit = split.unit === 'task' ? taskKey : workspaceId;
    if (split.namespace !== '') {
      const place = bucket(split.namespace, unit);
      if (place < split.buckets[0] || place >= split.buckets[1]) continue;
    }
    const arm = pick(split.arms, split.salt, unit);
    const total = split.arms.reduce((sum, [, weight]) => sum + weight, 0);
    const weight = split.arms.find(([name]) => name === arm)?.[1] ?? 0;
    return {
      arm,
      policy: split.experiment === '' ? 'weights' : 'experiment',
      unit,
      propensity: weight / total,
      experiment: split.experiment,
      stage: split.stage,
      config: configOf(taskType, arm),
    };
  }
  const config = configOf(taskType, 'default');
  return { arm: 'default', policy: 'rules', unit: workspaceId, propensity: 1, experiment: '', stage: '', config };
}

/** The model of an arm, with the task type's own parameters where the arm has none. */
export function configOf(taskType: string, arm: string): ModelConfig {
  const base = own(TASK_MODEL_MAP, taskType) ?? own(TASK_MODEL_MAP, 'default');
  if (base === undefined) throw new Error(`no model for task type ${taskType}`);
  const spec = own(own(ARM_MODELS, taskType) ?? {}, arm);
  return spec === undefined ? base : { ...base, ...spec };
}

/** Whether nothing may be published from this config any more; it goes on routing (ISO date, such as 2026-11-24). */
export function isExpired(today: string): boolean {
  return CONFIG_EXPIRES_ON !== null && today >= CONFIG_EXPIRES_ON;
}

/** Weighted rendezvous hashing: the least `-ln(u) / weight` wins. */
export function pick(arms: ReadonlyArray<readonly [string, number]>, salt: string, unit: string): string {
  const prefix = [...part(salt), ...part(unit)];
  let best = '';
  let least = Infinity;
  for (const [arm, weight] of arms) {
    if (weight === 0) continue;
    const score = -Math.log((word53([...prefix, ...part(arm)]) + 1) / 2 ** 53) / weight;
    if (score < least) [best, least] = [arm, score];
  }
  return best;
}

/** Place of a unit in a namespace, in [0, 10000). */
export function bucket(namespace: string, unit: string): number {
  return Number((BigInt(word53([...part(namespace), ...part(unit)])) * BigInt(10000)) >> BigInt(53));
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.prototype.hasOwnProperty.call(record, key) ? record[key] : undefined;
}

/** A part is its UTF-8 bytes, prefixed with their number in decimal and a colon. */
function part(text: string): number[] {
  const bytes = utf8(text);
  return [...utf8(`${bytes.length}:`), ...bytes];
}

function utf8(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return bytes;
}

/** The first 53 bits of SHA-256, exact in a double. */
function word53(bytes: readonly number[]): number {
  const [high, low] = sha256(bytes);
  return high * 2 ** 21 + (low >>> 11);
}

/** The first two 32-bit words of SHA-256 (FIPS 180-4). */
function sha256(bytes: readonly number[]): [number, number] {
  const length = bytes.length;
  const size = Math.ceil((length + 9) / 64) * 64;
  const block = new Uint8Array(size);
  block.set(bytes);
  block[length] = 0x80;
  const view = new DataView(block.buffer);
  view.setUint32(size - 8, Math.floor(length / 2 ** 29));
  view.setUint32(size - 4, (length << 3) >>> 0);
  const h = Uint32Array.from(INITIAL);
  const k = ROUND_CONSTANTS;
  const w = new Uint32Array(64);
  for (let start = 0; start < size; start += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(start + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = at(w, i - 15);
      const b = at(w, i - 2);
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
      w[i] = at(w, i - 16) + s0 + at(w, i - 7) + s1;
    }
    const v = Uint32Array.from(h);
    for (let i = 0; i < 64; i++) {
      const [a, b, c, d, e, f, g, last] = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => at(v, n)) as Eight;
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (last + s1 + ((e & f) ^ (~e & g)) + at(k, i) + at(w, i)) >>> 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
      v.set([t1 + t2, a, b, c, d + t1, e, f, g]);
    }
    for (let i = 0; i < 8; i++) h[i] = at(h, i) + at(v, i);
  }
  return [at(h, 0), at(h, 1)];
}

type Eight = [number, number, number, number, number, number, number, number];

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
