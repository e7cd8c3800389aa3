// The layout of WebAssembly files, as far as linking the kernel needs it (cmake/link-kernel.mjs):
// sections, names, data segments, and the symbols of object files.
//
// Format: https://webassembly.github.io/spec/core/binary/ and, for object files,
// https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md

export const kCustom = 0;
export const kImports = 2;
export const kExports = 7;
export const kCode = 10;
export const kDataCount = 12;
export const kData = 11;

/** Reads numbers and names from an offset on. */
export class Reader {
  /** @param {Buffer} bytes */
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  byte() {
    return this.bytes[this.at++];
  }
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

/** @param {number} value */
export function encoded(value) {
  const bytes = [];
  do {
    bytes.push((value & 127) | (value > 127 ? 128 : 0));
    value >>>= 7;
  } while (value);
  return Buffer.from(bytes);
}

/** Something with its length before it. @param {...(string | Uint8Array)} parts */
export function counted(...parts) {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([encoded(body.length), body]);
}

/** @typedef {{id: number, name: string, body: Buffer}} Section name: of a custom section, which its body follows */

/** @param {Buffer} bytes @returns {Section[]} */
export function sectionsOf(bytes) {
  if (bytes.readUInt32LE(0) !== 0x6d736100) throw new Error("no WebAssembly file");
  const sections = [];
  for (const in_ = new Reader(bytes, 8); in_.at < bytes.length;) {
    const id = in_.byte();
    const end = in_.number() + in_.at;
    const name = id === kCustom ? in_.text() : "";
    sections.push({ id, name, body: bytes.subarray(in_.at, end) });
    in_.at = end;
  }
  return sections;
}

/** @param {Section[]} sections */
export function fileOf(sections) {
  const parts = sections.map(({ id, name, body }) => Buffer.concat([Buffer.from([id]), id === kCustom ? counted(counted(name), body) : counted(body)]));
  return Buffer.concat([Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), ...parts]);
}

/** The parts of a section that is made of tagged parts: "name", and "linking" behind its version.
 *  @param {Buffer} body */
export function partsOf(body, at = 0) {
  const parts = [];
  for (const in_ = new Reader(body, at); in_.at < body.length;) {
    const tag = in_.byte();
    const end = in_.number() + in_.at;
    parts.push({ tag, body: body.subarray(in_.at, end) });
    in_.at = end;
  }
  return parts;
}

/** Index → name, as the part of a "name" section with this tag has it (1: functions, 9: data).
 *  @param {Section[]} sections @param {number} tag @returns {Map<number, string>} */
export function namesIn(sections, tag) {
  const names = new Map();
  const section = sections.find(({ name }) => name === "name");
  for (const part of section ? partsOf(section.body) : []) {
    if (part.tag !== tag) continue;
    const in_ = new Reader(part.body);
    for (let left = in_.number(); left > 0; left--) names.set(in_.number(), in_.text());
  }
  return names;
}

/** The data segments as they stand in the file. @param {Buffer} body of the data section */
export function segmentsOf(body) {
  const in_ = new Reader(body);
  const segments = [];
  for (let left = in_.number(); left > 0; left--) {
    const from = in_.at;
    if (in_.number() !== 0 || in_.byte() !== 0x41) throw new Error("a data segment that is not at a constant address");
    in_.number();
    if (in_.byte() !== 0x0b) throw new Error("a data segment whose address is computed");
    const length = in_.number();
    in_.at += length;
    segments.push(body.subarray(from, in_.at));
  }
  return segments;
}

const kWeak = 1;
const kUndefined = 0x10;
const kNamed = 0x40;

/** What an object file says of its functions and data.
 *  @param {Section[]} sections */
export function symbolsOf(sections) {
  /** @type {{functions: {name: string, weak: boolean}[], data: {name: string, segment: number}[], wanted: string[]}} */
  const found = { functions: [], data: [], wanted: [] };
  const linking = sections.find(({ name }) => name === "linking");
  for (const part of linking ? partsOf(linking.body, 1) : []) {
    if (part.tag !== 8) continue;
    const in_ = new Reader(part.body);
    for (let left = in_.number(); left > 0; left--) {
      const kind = in_.byte();
      const flags = in_.number();
      const defined = !(flags & kUndefined);
      if (kind === 1) {
        const name = in_.text();
        if (!defined) found.wanted.push(name);
        else {
          found.data.push({ name, segment: in_.number() });
          in_.number();
          in_.number();
        }
      } else {
        in_.number();
        const name = kind !== 3 && (defined || flags & kNamed) ? in_.text() : "";
        if (kind === 0 && defined) found.functions.push({ name, weak: (flags & kWeak) !== 0 });
      }
    }
  }
  return found;
}

/** An object file whose data segments get other names. @param {Section[]} sections
 *  @param {(name: string, index: number) => string} rename */
export function withSegmentNames(sections, rename) {
  return sections.map((section) => {
    if (section.name !== "linking") return section;
    const parts = partsOf(section.body, 1).map(({ tag, body }) => {
      if (tag !== 5) return Buffer.concat([Buffer.from([tag]), counted(body)]);
      const in_ = new Reader(body);
      const count = in_.number();
      const segments = [];
      for (let index = 0; index < count; index++) segments.push(counted(rename(in_.text(), index)), encoded(in_.number()), encoded(in_.number()));
      return Buffer.concat([Buffer.from([tag]), counted(encoded(count), ...segments)]);
    });
    return { ...section, body: Buffer.concat([section.body.subarray(0, 1), ...parts]) };
  });
}
