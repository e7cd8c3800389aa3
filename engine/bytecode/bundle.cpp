// Encoding and decoding of bundles. Decoding trusts nothing: every count is checked against the
// bytes that are left before memory is reserved.
#include "engine/bytecode/bundle.h"

#include <algorithm>
#include <cstring>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/bytes.h"

namespace sx {
namespace {

constexpr std::size_t kHashAt = 40;
constexpr std::size_t kSealedFrom = 72;
constexpr std::size_t kHeaderBytes = 88;
constexpr std::size_t kSectionEntryBytes = 16;

constexpr const char* kSectionNames[kSectionKinds + 1] = {
    "",        "head",      "dependencies", "exports",   "constants",
    "globals", "functions", "code",         "templates", "lines"};

std::string_view view(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string hex_of(std::string_view digest_bytes, std::size_t bytes) {
  Sha256Digest digest;
  std::memcpy(digest.data(), digest_bytes.data(), digest.size());
  return hex(digest, bytes);
}

// --- encoding --------------------------------------------------------------------------------

void put_texts(std::string& out, const std::vector<std::string>& texts) {
  put_count(out, texts.size());
  for (const std::string& text : texts) put_text(out, text);
}

// Behind the lines: each name once, then the variables of each function.
void put_locals(std::string& out, const UnitImage& unit) {
  std::vector<std::string> names;
  std::string entries;
  for (const FunctionImage& f : unit.functions) {
    put_count(entries, f.locals.size());
    for (const LocalEntry& local : f.locals) {
      const auto known = std::find(names.begin(), names.end(), local.name);
      put_count(entries, local.from);
      put_count(entries, local.to);
      put_count(entries, local.place);
      put_count(entries, static_cast<std::size_t>(known - names.begin()));
      if (known == names.end()) names.push_back(local.name);
    }
  }
  put_texts(out, names);
  out += entries;
}

std::string encode_section(SectionKind kind, const UnitImage& unit, bool names) {
  std::string out;
  switch (kind) {
    case SectionKind::Head:
      put_text(out, unit.module);
      put_text(out, unit.file);
      put_text(out, unit.source_hash);
      break;
    case SectionKind::Dependencies:
      put_texts(out, unit.uses);
      put_texts(out, unit.requires_ops);
      break;
    case SectionKind::Exports:
      put_count(out, unit.exports.size());
      for (const Export& e : unit.exports) {
        out.push_back(static_cast<char>(e.kind));
        put_text(out, e.name);
        put_text(out, e.doc);
        put_text(out, e.usage);
        if (e.kind == ExportKind::Portable) put_text(out, e.hash);
      }
      break;
    case SectionKind::Constants:
      put_texts(out, unit.constants);
      break;
    case SectionKind::Globals:
      put_texts(out, unit.globals);
      break;
    case SectionKind::Functions:
      put_count(out, unit.functions.size());
      for (const FunctionImage& f : unit.functions) {
        put_text(out, f.name);
        put_text(out, f.usage);
        put_count(out, f.registers);
        put_count(out, f.required);
        put_count(out, f.optional);
        put_count(out, f.captures);
        out.push_back(static_cast<char>((f.rest ? 1 : 0) | (f.component ? 2 : 0)));
        put_texts(out, f.keys);
        put_count(out, f.code.size());
        put_count(out, f.handlers.size());
        for (const HandlerEntry& h : f.handlers) {
          put_count(out, h.from);
          put_count(out, h.to);
          put_count(out, h.target);
          out.push_back(static_cast<char>(h.reg));
          out.push_back(static_cast<char>(h.kind));
        }
      }
      break;
    case SectionKind::Code:
      for (const FunctionImage& f : unit.functions)
        for (const std::uint32_t word : f.code) put_u32(out, word);
      break;
    case SectionKind::Templates:
      put_count(out, unit.templates.size());
      for (const TemplateImage& t : unit.templates) {
        put_count(out, t.holes);
        put_count(out, t.parts.size());
        for (const TemplatePart& part : t.parts) {
          out.push_back(static_cast<char>(part.op));
          put_count(out, part.hole);
          put_text(out, part.text);
        }
      }
      break;
    case SectionKind::Lines:
      // Differences: most instructions lie on the line of the one before or near it. The lowest bit
      // of the step says that a primitive's number follows.
      for (const FunctionImage& f : unit.functions) {
        put_count(out, f.lines.size());
        std::uint32_t pc = 0, line = 0;
        for (const LineEntry& entry : f.lines) {
          put_count(out, std::uint64_t{entry.pc - pc} << 1 | (entry.written != 0 ? 1 : 0));
          put_count(out, zigzag(std::int64_t{entry.line} - line));
          put_count(out, entry.column);
          if (entry.written != 0) put_count(out, entry.written - 1);
          pc = entry.pc;
          line = entry.line;
        }
      }
      if (names) put_locals(out, unit);
      break;
  }
  return out;
}

void align(std::string& out) { out.resize((out.size() + 7) & ~std::size_t{7}); }

void set_u32(std::string& out, std::size_t at, std::uint32_t n) {
  std::string word;
  put_u32(word, n);
  out.replace(at, 4, word);
}

// --- decoding --------------------------------------------------------------------------------

std::string read_text(ByteReader& in) {
  const std::string_view text = in.text();
  if (!utf8_valid(text)) in.fail();
  return std::string(text);
}

void read_texts(ByteReader& in, std::vector<std::string>& out) {
  const std::size_t count = in.count_of(1);
  out.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) out.push_back(read_text(in));
}

std::uint32_t read_u32_count(ByteReader& in) {
  const std::uint64_t n = in.count();
  if (n > UINT32_MAX) in.fail();
  return static_cast<std::uint32_t>(n);
}

std::uint16_t read_u16_count(ByteReader& in) {
  const std::uint64_t n = in.count();
  if (n > UINT16_MAX) in.fail();
  return static_cast<std::uint16_t>(n);
}

// A byte that must be at most `max`.
std::uint8_t read_u8(ByteReader& in, std::uint8_t max) {
  const std::uint8_t n = in.u8();
  if (n > max) in.fail();
  return n;
}

void read_functions(ByteReader& in, UnitImage& unit, std::vector<std::uint64_t>& code_words) {
  const std::size_t count = in.count_of(10);
  unit.functions.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    FunctionImage f;
    f.name = read_text(in);
    f.usage = read_text(in);
    f.registers = read_u16_count(in);
    f.required = read_u16_count(in);
    f.optional = read_u16_count(in);
    f.captures = read_u16_count(in);
    const std::uint8_t flags = read_u8(in, 3);
    f.rest = (flags & 1) != 0;
    f.component = (flags & 2) != 0;
    read_texts(in, f.keys);
    code_words.push_back(in.count());
    const std::size_t handlers = in.count_of(5);
    f.handlers.reserve(handlers);
    for (std::size_t h = 0; h < handlers && in.ok(); ++h) {
      HandlerEntry entry;
      entry.from = read_u32_count(in);
      entry.to = read_u32_count(in);
      entry.target = read_u32_count(in);
      entry.reg = in.u8();
      entry.kind = static_cast<HandlerKind>(read_u8(in, 1));
      f.handlers.push_back(entry);
    }
    unit.functions.push_back(std::move(f));
  }
}

void read_code(ByteReader& in, UnitImage& unit, const std::vector<std::uint64_t>& code_words) {
  for (std::size_t i = 0; i < unit.functions.size() && in.ok(); ++i) {
    if (code_words[i] > in.left() / 4) return in.fail();
    auto& code = unit.functions[i].code;
    code.resize(static_cast<std::size_t>(code_words[i]));
    for (std::uint32_t& word : code) word = in.u32();
  }
}

void read_templates(ByteReader& in, UnitImage& unit) {
  const std::size_t count = in.count_of(2);
  unit.templates.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    TemplateImage t;
    t.holes = read_u16_count(in);
    const std::size_t parts = in.count_of(3);
    t.parts.reserve(parts);
    for (std::size_t p = 0; p < parts && in.ok(); ++p) {
      TemplatePart part;
      part.op =
          static_cast<TemplateOp>(read_u8(in, static_cast<std::uint8_t>(TemplateOp::Forbidden)));
      part.hole = read_u16_count(in);
      part.text = read_text(in);
      t.parts.push_back(std::move(part));
    }
    unit.templates.push_back(std::move(t));
  }
}

void read_lines(ByteReader& in, UnitImage& unit) {
  for (FunctionImage& f : unit.functions) {
    const std::size_t count = in.count_of(3);
    f.lines.reserve(count);
    std::uint64_t pc = 0;
    std::int64_t line = 0;
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
      const std::uint64_t step = in.count();
      const std::int64_t line_step = unzigzag(in.count());
      const std::uint32_t column = read_u32_count(in);
      const std::uint32_t written = step & 1 ? read_u32_count(in) + 1 : 0;
      if (step >> 1 > UINT32_MAX - pc || line_step < -line || line_step > UINT32_MAX - line ||
          ((step & 1) && written == 0))
        return in.fail();
      pc += step >> 1;
      line += line_step;
      f.lines.push_back(
          {static_cast<std::uint32_t>(pc), static_cast<std::uint32_t>(line), column, written});
    }
  }
}

void read_locals(ByteReader& in, UnitImage& unit) {
  std::vector<std::string> names;
  read_texts(in, names);
  for (FunctionImage& f : unit.functions) {
    for (std::size_t count = in.count_of(4); count > 0 && in.ok(); --count) {
      LocalEntry local;
      local.from = read_u32_count(in);
      local.to = read_u32_count(in);
      local.place = read_u32_count(in);
      const std::uint64_t name = in.count();
      if (name >= names.size()) return in.fail();
      local.name = names[static_cast<std::size_t>(name)];
      f.locals.push_back(std::move(local));
    }
  }
}

// code_words goes from the functions section to the code section of the same unit.
void decode_section(SectionKind kind, ByteReader& in, UnitImage& unit,
                    std::vector<std::uint64_t>& code_words) {
  switch (kind) {
    case SectionKind::Head:
      unit.module = read_text(in);
      unit.file = read_text(in);
      unit.source_hash = read_text(in);
      break;
    case SectionKind::Dependencies:
      read_texts(in, unit.uses);
      read_texts(in, unit.requires_ops);
      break;
    case SectionKind::Exports: {
      const std::size_t count = in.count_of(4);
      unit.exports.reserve(count);
      for (std::size_t i = 0; i < count && in.ok(); ++i) {
        Export e;
        e.kind = static_cast<ExportKind>(read_u8(in, 3));
        e.name = read_text(in);
        e.doc = read_text(in);
        e.usage = read_text(in);
        if (e.kind == ExportKind::Portable) e.hash = read_text(in);
        unit.exports.push_back(std::move(e));
      }
      break;
    }
    case SectionKind::Constants: {  // bytes, not text: verify_unit looks into them
      const std::size_t count = in.count_of(1);
      unit.constants.reserve(count);
      for (std::size_t i = 0; i < count && in.ok(); ++i) unit.constants.emplace_back(in.text());
      break;
    }
    case SectionKind::Globals:
      read_texts(in, unit.globals);
      break;
    case SectionKind::Functions:
      read_functions(in, unit, code_words);
      break;
    case SectionKind::Code:
      read_code(in, unit, code_words);
      break;
    case SectionKind::Templates:
      read_templates(in, unit);
      break;
    case SectionKind::Lines:
      read_lines(in, unit);
      if (in.left() != 0) read_locals(in, unit);
      break;
  }
}

bool all_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

}  // namespace

std::string encode_bundle(const std::vector<const UnitImage*>& units, std::uint32_t entry,
                          const Tables& tables, bool names) {
  const auto sections = static_cast<std::uint32_t>(units.size()) * kSectionKinds;
  std::string out(kBundleMagic);
  out.push_back(static_cast<char>(kBundleFormat & 0xFF));
  out.push_back(static_cast<char>(kBundleFormat >> 8));
  out.append(2, '\0');
  out.append(view(tables.fingerprint()));
  out.append(32, '\0');
  put_u32(out, 0);  // size
  put_u32(out, static_cast<std::uint32_t>(units.size()));
  put_u32(out, entry);
  put_u32(out, sections);
  std::size_t table_at = out.size();
  out.append(sections * kSectionEntryBytes, '\0');
  for (std::size_t u = 0; u < units.size(); ++u) {
    for (std::uint32_t kind = 1; kind <= kSectionKinds; ++kind) {
      align(out);
      const std::string section = encode_section(static_cast<SectionKind>(kind), *units[u], names);
      set_u32(out, table_at, kind);
      set_u32(out, table_at + 4, static_cast<std::uint32_t>(u));
      set_u32(out, table_at + 8, static_cast<std::uint32_t>(out.size()));
      set_u32(out, table_at + 12, static_cast<std::uint32_t>(section.size()));
      table_at += kSectionEntryBytes;
      out += section;
    }
  }
  align(out);
  set_u32(out, kSealedFrom, static_cast<std::uint32_t>(out.size()));
  reseal_bundle(out);
  return out;
}

void reseal_bundle(std::string& bytes) {
  if (bytes.size() < kHeaderBytes) return;
  const Sha256Digest digest = content_sha256(std::string_view(bytes).substr(kSealedFrom));
  bytes.replace(kHashAt, digest.size(), view(digest));
}

Result<Bundle> decode_bundle(std::string_view bytes, const Tables& tables, std::string_view name,
                             bool checked) {
  constexpr const char* kRemedy = ": rebuild it with `sx build`";
  if (bytes.size() < 4 || bytes.substr(0, 4) != kBundleMagic)
    return Error{str(name, " is not an SX bundle: it does not begin with \"SXBC\"", kRemedy)};
  if (bytes.size() < kHeaderBytes)
    return Error{
        str(name, " is cut off: ", bytes.size(), " bytes, a header has ", kHeaderBytes, kRemedy)};
  ByteReader in(bytes.substr(4));
  const std::uint32_t version = in.u8() | std::uint32_t{in.u8()} << 8;
  if (version != kBundleFormat)
    return Error{str(name, " has bundle format ", version, ", this engine reads format ",
                     kBundleFormat, kRemedy)};
  if (in.u8() != 0 || in.u8() != 0)
    return Error{str(name, " has unknown flags in its header", kRemedy)};
  const std::string_view made_for = in.take(32);
  if (checked && made_for != view(tables.fingerprint()))
    return Error{str(name, " was made for tables ", hex_of(made_for, 6), ", this engine has ",
                     hex(tables.fingerprint(), 6), kRemedy)};
  const std::string_view stated = in.take(32);
  const std::uint32_t size = in.u32();
  if (size != bytes.size())
    return Error{str(name, " is cut off or extended: its header says ", size, " bytes, it has ",
                     bytes.size(), kRemedy)};
  Sha256Digest actual;
  std::memcpy(actual.data(), stated.data(), actual.size());
  if (checked) actual = content_sha256(bytes.substr(kSealedFrom));
  if (stated != view(actual))
    return Error{str(name, " is corrupted: its header says content ", hex_of(stated, 6),
                     ", its bytes give ", hex(actual, 6), kRemedy)};

  const std::uint32_t unit_count = in.u32();
  const std::uint32_t entry = in.u32();
  const std::uint32_t section_count = in.u32();
  if (section_count > in.left() / kSectionEntryBytes ||
      section_count != std::uint64_t{unit_count} * kSectionKinds || entry > unit_count)
    return Error{str(name, " has an inconsistent section table: ", unit_count, " units, entry ",
                     entry, ", ", section_count, " sections", kRemedy)};

  Bundle bundle;
  bundle.entry = entry;
  bundle.hash = hex(actual);
  std::size_t end = kHeaderBytes + section_count * kSectionEntryBytes;
  std::vector<std::uint64_t> code_words;
  for (std::uint32_t i = 0; i < section_count; ++i) {
    const std::uint32_t kind = in.u32(), unit = in.u32(), offset = in.u32(), length = in.u32();
    const std::size_t expected = (end + 7) & ~std::size_t{7};
    if (kind != i % kSectionKinds + 1 || unit != i / kSectionKinds || offset != expected ||
        offset > bytes.size() || length > bytes.size() - offset ||
        !all_zero(bytes.substr(end, expected - end)))
      return Error{str(name, " has a wrong entry ", i, " in its section table: section ", kind,
                       " of unit ", unit, " at ", offset, " with ", length, " bytes", kRemedy)};
    end = std::size_t{offset} + length;
    if (kind == 1) {
      bundle.units.push_back(std::make_unique<UnitImage>());
      code_words.clear();
    }
    ByteReader section(bytes.substr(offset, length));
    decode_section(static_cast<SectionKind>(kind), section, *bundle.units.back(), code_words);
    if (!section.ok() || !section.at_end())
      return Error{
          str(name, " has a malformed ", kSectionNames[kind], " section in unit ", unit, kRemedy)};
  }
  const std::size_t expected = (end + 7) & ~std::size_t{7};
  if (expected != bytes.size() || !all_zero(bytes.substr(end)))
    return Error{str(name, " has ", bytes.size() - end, " bytes after its last section", kRemedy)};
  return bundle;
}

}  // namespace sx
