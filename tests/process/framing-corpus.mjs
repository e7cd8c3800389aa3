// Requests for the differential test of framing: made at random from pieces that servers are known to read in
// different ways. The same seed makes the same requests.

/** Numbers from 0 below n, the same for the same seed. @param {number} seed */
function generator(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(next() * n);
  return {
    below,
    /** True once in n times. @param {number} n */
    once: (n) => below(n) === 0,
    /** @template T @param {T[]} list @returns {T} */
    of: (list) => list[below(list.length)],
  };
}

const kMethods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
const kOddMethods = ["get", "Post", "BREW", "G@T", "GE T", "", "TRACE", "CONNECT", "GET\t", " GET", "POST\0", "PROPFIND", "X-Y"];
const kTargets = ["/", "/a", "/a/b?c=d", "/a%20b", "/?", "/a?b?c", "//a", "/a/../b", "/%2e%2e/a", "/a;b", "/~a", "/a:b@c"];
const kOddTargets = ["http://localhost/x", "http://localhost:80/x?y", "HTTP://LOCALHOST/", "http://localhost", "https://localhost/x",
  "http:///x", "http://other/x", "ftp://localhost/x", "*", "a", "", "/a b", "/a\tb", "/a#b", "/\u00e9", "/a\u0001b", "/a\u007f", "?x",
  "/%", "/%zz", "/%00", "\\a", "/a\\b", "//localhost/x", "/a\0b", "http://user@localhost/x", "localhost:80"];
const kVersions = [...Array(7).fill("HTTP/1.1"), "HTTP/1.0"];
const kOddVersions = ["HTTP/1.2", "HTTP/2.0", "HTTP/0.9", "HTTP/1", "http/1.1", "HTTP/1.1 ", "HTTP/1.10", "HTTP/01.1", "HTTP /1.1", "", "HTTP/1.1\t", "HTTP/11", "HTTPS/1.1"];
const kHosts = ["localhost", "localhost:80", "127.0.0.1", "[::1]", "LOCALHOST"];
const kOddHosts = ["", "a b", "localhost/x", "localhost:", "localhost:x", "user@localhost", "loc\u0001alhost", "a,b", "localhost,localhost", "[::1", "local\\host", "..", "localhost\t"];
const kNames = ["X-A", "Accept", "Cookie", "Accept-Language", "X-Forwarded-For", "TE", "Trailer", "Via"];
const kOddNames = ["X A", "X-A ", "", "X\tA", "X\u0001", "X(A)", "X_A", "X\u00e9", "X:", " X-A", "X\0"];
const kValues = ["", "a", "a b", "a, b", "\"q\"", "a\tb", "\u00e9"];
const kOddValues = ["a\rb", "a\u0001b", "a\0b", "a\u007fb", "\r", "\u000b", " \t "];
const kLengths = ["0", "3", "5", "10"];
const kOddLengths = ["+3", "-3", "0x3", "3 ", " 3", "3,3", "3, 3", "3;x", "3.0", "3e0", "", "٣", "003", "00000000000000000000003", "99999999999999999999",
  "18446744073709551619", "3 3", "\"3\"", "3\t", "\u000b3", "3\u0000"];
const kOddEncodings = ["Chunked", "chunked ", "\tchunked", "CHUNKED", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "xchunked",
  "chunkedx", "chunked;q=1", ", chunked", "chunked,", "", "\"chunked\"", "chun ked", "\u000bchunked", "chunked\u0000", "identity, chunked", "deflate"];
const kNamesOfLength = ["Content-Length", "content-length", "CONTENT-LENGTH", "Content-Length ", "Content_Length", " Content-Length", "Content-Length\t", "Content-Lengt\u0068"];
const kNamesOfEncoding = ["Transfer-Encoding", "transfer-encoding", "Transfer-Encoding ", "Transfer_Encoding", " Transfer-Encoding", "Transfer-Encoding\t", "Transfer-Encod\u0131ng"];
const kConnections = ["close", "keep-alive", "Close", "close, keep-alive", "keep-alive, close", "upgrade", "x", "", "close close", "Transfer-Encoding", "Content-Length"];
const kOddEnds = ["\n", "\r", "\r\r\n", "\n\r", " \r\n", "\t\r\n", "\0\r\n", "\u000b\r\n", ""];
const kSizesOfThree = ["3", "03", "0003", "3;a", "3;a=b", "3;a=\"b\"", "3 ;a", "3 ", "3\t", "3;", "3;;", "3;a=\"\r\n\"", "3;a\n", " 3", "0x3", "+3", "-3", "3x", "3,", "",
  "000000000000000000003", "10000000000000003", "FFFFFFFFFFFFFFFF", "3;\u0001", "3;a=\"\\\"\"", "3\r", "3\0", "3;\u00e9", "g", "３"];
const kEndsOfChunks = ["\n", "\r", "", "x\r\n", "\r\r\n", " \r\n"];
const kTrailers = ["", "", "X: y\r\n", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "bad\r\n", "X: y\n", "X: y\r\n folded\r\n", " X: y\r\n", "X : y\r\n", "Host: other\r\n"];

const kTail = "GET /tail HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A chunked body of "abc", "hello" and the like; odd somewhere when `odd`. */
function chunkedBody(random, odd) {
  const chunks = random.below(3);
  let body = "";
  const oddAt = odd ? random.below(chunks + 2) : -1;
  for (let n = 0; n < chunks; n++) {
    if (n !== oddAt) {
      const data = random.of(["abc", "hello", "0\r\n\r\n", "0123456789abcdef0"]);
      body += `${data.length.toString(16)}${random.once(4) ? ";x=y" : ""}\r\n${data}\r\n`;
    } else if (random.once(3)) {
      body += `3\r\nabc${random.of(kEndsOfChunks)}`;
    } else {
      body += `${random.of(kSizesOfThree)}\r\nabc\r\n`;
    }
  }
  if (oddAt === chunks) {
    const last = random.of(["00", "0;a", "0 ", "0x0", "", "0;a=b", "-0", "+0", "0\n", "0\r", "0;"]);
    return `${body}${last}\r\n\r\n`;
  }
  body += "0\r\n";
  if (oddAt === chunks + 1) return `${body}${random.of(kTrailers)}${random.of(["\r\n", "\r\n", "\n", "\r", ""])}`;
  return `${body}\r\n`;
}

/** One request, and perhaps a second behind it. At most a few things are odd, so that each is looked at by itself. */
function request(random) {
  let oddities = random.of([0, 1, 1, 1, 2]);
  const odd = (n) => oddities > 0 && random.once(n) && oddities-- > 0;
  const end = () => (odd(14) ? random.of(kOddEnds) : "\r\n");

  const method = odd(20) ? random.of(kOddMethods) : random.of(kMethods);
  const target = odd(12) ? random.of(kOddTargets) : random.of(kTargets);
  const version = odd(20) ? random.of(kOddVersions) : random.of(kVersions);
  const space = () => (odd(30) ? random.of(["  ", "\t", "", "\u000b", " \t"]) : " ");
  let head = `${odd(12) ? random.of(["\r\n", "\n", "\r", " ", "\r\n\r\n", "\0"]) : ""}${method}${space()}${target}${space()}${version}${end()}`;

  const lines = [];
  const framing = random.of([...Array(6).fill("none"), ...Array(8).fill("length"), ...Array(8).fill("chunked"), "both", "odd-length", "odd-length", "odd-chunked", "odd-chunked", "two-lengths", "two-encodings"]);
  const length = random.of(kLengths);
  const name = (list) => (random.once(16) ? random.of(list) : list[0]);
  if (framing === "length" || framing === "both") lines.push(`${name(kNamesOfLength)}: ${length}`);
  if (framing === "odd-length") lines.push(`Content-Length: ${random.of(kOddLengths)}`);
  if (framing === "two-lengths") lines.push(`Content-Length: ${length}`, `${name(kNamesOfLength)}: ${random.of([length, ...kLengths, ...kOddLengths])}`);
  if (framing === "chunked" || framing === "both") lines.push(`${name(kNamesOfEncoding)}: chunked`);
  if (framing === "odd-chunked") lines.push(`Transfer-Encoding: ${random.of(kOddEncodings)}`);
  if (framing === "two-encodings") lines.push("Transfer-Encoding: chunked", `${name(kNamesOfEncoding)}: ${random.of(["chunked", ...kOddEncodings])}`);
  if (random.once(6)) lines.push(`Connection: ${random.of(kConnections)}`);
  if (odd(8)) lines.push(`Expect: ${random.of(["100-continue", "100-Continue", "cake", "", "100-continue, x"])}`);
  for (let n = random.below(3); n > 0; n--) {
    const colon = odd(12) ? random.of([" : ", ":", ":\t", "", "::", " :"]) : ": ";
    lines.push(`${odd(8) ? random.of(kOddNames) : random.of(kNames)}${colon}${odd(8) ? random.of(kOddValues) : random.of(kValues)}`);
  }
  if (odd(12)) lines.splice(random.below(lines.length + 1), 0, random.of([" folded", "\tfolded", " Content-Length: 3", " : x", "nonsense", ":", "\r"]));
  if (!odd(14)) lines.splice(random.below(lines.length + 1), 0, `Host: ${odd(6) ? random.of(kOddHosts) : random.of(kHosts)}`);
  if (odd(12)) lines.push(`Host: ${random.of(kHosts)}`);
  for (const line of lines) head += line + end();
  head += odd(20) ? random.of(["\n", "\r", "", " \r\n", "\r\r\n"]) : "\r\n";

  let body = "";
  if (framing.includes("chunked") || framing === "two-encodings" || (framing === "both" && random.once(2))) body = chunkedBody(random, odd(2));
  else if (framing !== "none") body = random.of(["abc", "hello", "0123456789", "abc\r\n", "", "0\r\n\r\n", "GET /in HTTP/1.1\r\nHost: localhost\r\n\r\n"]);
  // Mostly as long as it says.
  if (framing === "length" && !random.once(4)) body = body.padEnd(Number(length), ".").slice(0, Number(length));
  return head + body;
}

/** A connection's bytes: requests, and mostly one at the end that shows where the ones before it ended.
 *  @param {number} count @param {number} seed @returns {string[]} each character one byte */
export function corpus(count, seed) {
  const random = generator(seed);
  const made = new Set();
  while (made.size < count) {
    let bytes = request(random);
    if (random.once(5)) bytes += request(random);
    if (random.once(12)) bytes = bytes.slice(0, random.below(bytes.length));
    else if (!random.once(8)) bytes += kTail;
    made.add(Buffer.from(bytes, "utf8").toString("latin1"));
  }
  return [...made];
}
