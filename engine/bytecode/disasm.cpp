// The listing. Reads images that may be wrong: every index is checked before it is followed.
#include "engine/bytecode/disasm.h"

#include <cstdio>
#include <vector>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/bytecode/bytes.h"
#include "engine/bytecode/constant.h"
#include "engine/bytecode/instruction.h"

namespace sx {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

// At most about `bytes_max` bytes, cut between code points.
std::string shortened(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

std::string double_text(std::uint64_t bits) {
  double d;
  std::memcpy(&d, &bits, sizeof d);
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.17g", d);
  return buffer;
}

std::string atom_text(ByteReader& in, ConstantTag tag) {
  switch (tag) {
    case ConstantTag::Nil:
      return "nil";
    case ConstantTag::False:
      return "false";
    case ConstantTag::True:
      return "true";
    case ConstantTag::EmptyList:
      return "()";
    case ConstantTag::Int:
      return str(unzigzag(in.count()));
    case ConstantTag::BigInt: {
      const char* sign = in.u8() != 0 ? "-" : "";
      std::string digits;
      for (std::size_t limbs = in.count_of(4); limbs > 0; --limbs) {
        char buffer[9];
        std::snprintf(buffer, sizeof buffer, "%08x", static_cast<unsigned>(in.u32()));
        digits.insert(0, buffer);
      }
      return str(sign, "0x", digits);
    }
    case ConstantTag::Double:
      return double_text(in.u64());
    case ConstantTag::String:
      return quoted(in.text());
    case ConstantTag::Bytes:
      return str("#<", in.text().size(), " bytes>");
    case ConstantTag::Char:
      return str("#\\x", std::uint64_t{in.count()});
    case ConstantTag::Symbol:
      return std::string(in.text());
    case ConstantTag::Keyword:
      return str(":", in.text());
    case ConstantTag::Raw:
      return str("(raw ", quoted(in.text()), ")");
    default:
      in.fail();
      return "?";
  }
}

class Lister {
 public:
  Lister(const UnitImage& unit, const Tables& tables) : unit_(unit), tables_(tables) {}

  std::string run() {
    out_ += str("unit ", unit_.file);
    if (!unit_.module.empty()) out_ += str(" (module ", unit_.module, ")");
    out_ += "\n";
    list("uses", unit_.uses);
    list("requires", unit_.requires_ops);
    for (const Export& e : unit_.exports)
      out_ += str("export ", e.name,
                  e.kind == ExportKind::Macro       ? std::string(" (macro)")
                  : e.kind == ExportKind::Component ? " (component)"
                  : e.kind == ExportKind::Portable  ? str(" (portable component ", e.hash, ")")
                                                    : std::string(),
                  "\n");
    for (std::size_t i = 0; i < unit_.functions.size(); ++i) function(i);
    for (std::size_t i = 0; i < unit_.templates.size(); ++i) markup(i);
    return std::move(out_);
  }

 private:
  void list(const char* title, const std::vector<std::string>& names) {
    if (names.empty()) return;
    out_ += title;
    for (const std::string& name : names) out_ += str(" ", name);
    out_ += "\n";
  }

  void function(std::size_t index) {
    const FunctionImage& f = unit_.functions[index];
    out_ += str("\nfunction ", index, f.name.empty() ? "" : " ", f.name, ": ", f.registers,
                " registers, ", f.required, " required");
    if (f.optional > 0) out_ += str(", ", f.optional, " optional");
    for (const std::string& key : f.keys) out_ += str(", :", key);
    if (f.rest) out_ += ", rest";
    if (f.component) out_ += ", component";
    if (f.captures > 0) out_ += str(", ", f.captures, " captures");
    out_ += "\n";
    if (!f.usage.empty()) out_ += str("  ", f.usage, "\n");
    std::size_t line = 0;
    for (std::uint32_t pc = 0; pc < f.code.size();) {
      std::string position;
      while (line < f.lines.size() && f.lines[line].pc <= pc) {
        if (f.lines[line].pc == pc) position = str(f.lines[line].line, ":", f.lines[line].column);
        ++line;
      }
      pc = instruction(f, pc, position);
    }
    for (const HandlerEntry& h : f.handlers)
      out_ += str("  handler ", h.from, "…", h.to, " → ", h.target, " error in r", unsigned{h.reg},
                  h.kind == HandlerKind::Cleanup ? " (cleanup)\n" : " (guard)\n");
  }

  std::string constant(std::size_t i) const {
    return i < unit_.constants.size() ? constant_text(unit_.constants[i]) : str("?constant ", i);
  }
  std::string global(std::size_t i) const {
    return i < unit_.globals.size() ? unit_.globals[i] : str("?global ", i);
  }
  static std::string range(unsigned from, unsigned count) {
    if (count == 0) return "none";
    return count == 1 ? str("r", from) : str("r", from, "…r", from + count - 1);
  }

  std::uint32_t instruction(const FunctionImage& f, std::uint32_t pc, const std::string& position) {
    Instruction ins;
    ins.pc = pc;
    ins.first = f.code[pc];
    ins.op = static_cast<Op>(ins_op(ins.first));
    const OpInfo* info = op_info(ins_op(ins.first));
    if (info != nullptr) {
      ins.format = info->format;
      ins.words = static_cast<std::uint32_t>(base_words(ins.format));
      if (ins.words == 2 && pc + 1 < f.code.size()) ins.second = f.code[pc + 1];
      if (ins.format == Format::WF && ins.d() < unit_.functions.size())
        ins.words += (unit_.functions[ins.d()].captures + 1u) / 2;
    }
    char head[64];
    std::snprintf(head, sizeof head, "  %5u %8s  %-12s ", static_cast<unsigned>(pc),
                  position.c_str(), info == nullptr ? "?" : info->name);
    out_ += head;
    out_ += info == nullptr ? str("word ", ins.first) : operands(f, ins);
    while (out_.back() == ' ') out_.pop_back();
    out_ += "\n";
    return ins.end();
  }

  std::string operands(const FunctionImage& f, const Instruction& ins) const {
    const unsigned a = ins.a(), b = ins.b(), c = ins.c();
    switch (ins.format) {
      case Format::None:
        return "";
      case Format::W:
      case Format::R:
        return str("r", a);
      case Format::WR:
      case Format::RR:
      case Format::WIN1:
        return str("r", a, " r", b);
      case Format::WRR:
      case Format::RRR:
      case Format::WIN2:
        return str("r", a, " r", b, " r", c);
      case Format::WI:
        return str("r", a, " ", int{ins_di(ins.first)});
      case Format::WU:
        if (ins.op == Op::LoadSpecial) {
          static const char* const names[] = {"nil", "false", "true", "()", "unset"};
          return str("r", a, " ", b < 5 ? names[b] : "?");
        }
        return str("r", a, " ", b);
      case Format::RU:
        return str("r", a, " ", b);
      case Format::WRI:
        return str("r", a, " r", b, " ", int{ins_ci(ins.first)});
      case Format::WRU:
      case Format::RRU:
        return str("r", a, " r", b, " ", c);
      case Format::WK:
        return str("r", a, " ", constant(ins.d()));
      case Format::WG:
      case Format::RG:
        return str("r", a, " ", global(ins.d()));
      case Format::WF:
        return closure(f, ins);
      case Format::J:
        return str("→ ", ins.target());
      case Format::RJ:
        return str("r", a, " → ", ins.target());
      case Format::RRJ:
        return str("r", a, " r", b, c != 0 ? " true → " : " false → ", ins.target());
      case Format::RIJ:
        return str("r", a, " ", int{ins_bi(ins.first)}, c != 0 ? " true → " : " false → ",
                   ins.target());
      case Format::CALL:
        return str("r", a, " (", range(a + kCallControl, b), ")");
      case Format::CALLG:
        return str("r", a, " ", global(ins.second), " (", range(a + kCallControl, b), ")");
      case Format::PRIM: {
        const auto& primitives = tables_.primitives();
        return str("r", a, " ",
                   ins.second < primitives.size() ? std::string(primitives[ins.second].name)
                                                  : str("?primitive ", ins.second),
                   " (", range(b, c), ")");
      }
      case Format::KEY:
        return str("r", a, " r", b, " ", constant(ins.second));
      case Format::LIT:
        if (ins.op == Op::ConstWide) return str("r", a, " ", constant(ins.second));
        if (ins.op == Op::MakeDict)
          return str("r", a, " ", constant(ins.second), " (", range(b, c), ")");
        return str("r", a, " (", range(b, c), ")");
      case Format::TPL:
        return str("r", a, " template ", ins.second, " (", range(b, c), ")");
    }
    return "";
  }

  std::string closure(const FunctionImage& f, const Instruction& ins) const {
    std::string out = str("r", unsigned{ins.a()}, " function ", ins.d());
    if (ins.d() >= unit_.functions.size()) return out;
    const FunctionImage& target = unit_.functions[ins.d()];
    if (!target.name.empty()) out += str(" ", target.name);
    for (std::uint32_t i = 0; i < target.captures; ++i) {
      const std::size_t at = ins.pc + 1 + i / 2;
      if (at >= f.code.size()) return out + " ?";
      const std::uint32_t spec = i % 2 != 0 ? f.code[at] >> 16 : f.code[at] & 0xFFFF;
      out += (spec & 0x8000) != 0 ? str(" capture ", spec & 0x7FFF) : str(" r", spec);
    }
    return out;
  }

  void markup(std::size_t index) {
    static const char* const names[] = {"static", "text",     "attribute", "url",      "style",
                                        "spread", "raw text", "url list",  "forbidden"};
    const TemplateImage& t = unit_.templates[index];
    out_ += str("\ntemplate ", index, ": ", t.holes, " holes\n");
    for (const TemplatePart& part : t.parts) {
      const auto op = static_cast<std::size_t>(part.op);
      out_ += str("  ", op < 9 ? names[op] : "?");
      if (part.op != TemplateOp::Static) out_ += str(" hole ", part.hole);
      if (!part.text.empty()) out_ += str(" ", quoted(part.text));
      out_ += "\n";
    }
  }

  const UnitImage& unit_;
  const Tables& tables_;
  std::string out_;
};

}  // namespace

std::string constant_text(std::string_view encoded, std::size_t bytes_max) {
  ByteReader in(encoded);
  std::string out;
  struct Open {
    std::uint64_t left;
    const char* close;
    bool dot;  // a dot before the last part
  };
  std::vector<Open> open;
  const auto enter = [&](std::uint64_t parts, const char* before, const char* after,
                         bool dot = false) {
    out += before;
    open.push_back({parts, after, dot});
  };
  do {
    if (out.size() > bytes_max) return shortened(out, bytes_max);
    if (!open.empty()) {
      if (out.back() != '(' && out.back() != '[' && out.back() != '{') out += " ";
      if (open.back().dot && open.back().left == 1) out += ". ";
      --open.back().left;
    }
    const auto tag = static_cast<ConstantTag>(in.u8());
    switch (tag) {
      case ConstantTag::List:
        enter(in.count_of(1), "(", ")");
        break;
      case ConstantTag::DottedList:
        enter(in.count_of(1) + std::uint64_t{1}, "(", ")", true);
        break;
      case ConstantTag::Vector:
        enter(in.count_of(1), "[", "]");
        break;
      case ConstantTag::Set:
        enter(in.count_of(1), "#{", "}");
        break;
      case ConstantTag::Dict:
        enter(2 * std::uint64_t{in.count_of(2)}, "{", "}");
        break;
      default:
        out += atom_text(in, tag);
        break;
    }
    if (!in.ok()) return shortened(out, bytes_max) + " (malformed)";
    while (!open.empty() && open.back().left == 0) {
      out += open.back().close;
      open.pop_back();
    }
  } while (!open.empty());
  return shortened(std::move(out), bytes_max);
}

std::string disassemble(const UnitImage& unit, const Tables& tables) {
  return Lister(unit, tables).run();
}

}  // namespace sx
