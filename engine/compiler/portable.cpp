#include "engine/compiler/portable.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/bytecode/instruction.h"

namespace sx {
namespace {

// What a global name of a unit stands for, as far as the code of the unit tells.
struct Meaning {
  enum class Kind : std::uint8_t { Unknown, Data, Function };
  Kind kind = Kind::Unknown;
  const UnitImage* unit = nullptr;
  std::uint32_t function = 0;
};

template <class F>
void each_instruction(const UnitImage& unit, const FunctionImage& f, F&& visit) {
  for (std::uint32_t pc = 0; pc < f.code.size();) {
    const Instruction ins = instruction_at(unit, f, pc);
    visit(ins);
    pc = ins.end();
  }
}

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// May a portable component use the primitive? Its result must be the same in another process, and
// it must not make HTML of text. What changes things is harmless: nothing mutable comes from
// outside, so whatever is changed was made by the same call.
bool allowed(const PrimitiveInfo& primitive) {
  const std::string_view name = primitive.name;
  if (starts_with_any(name, {"wire/", "%template/", "dom/", "html/stream", "html/next", "%fiber",
                             "secret", "reveal", "freeze", "thaw", "frozen/", "gensym", "%raised"}))
    return false;
  for (const std::string_view other : {"raw", "el", "%element", "hash"})
    if (name == other) return false;
  if (primitive.effect != Effect::Mutating) return true;
  return starts_with_any(name, {"array", "table/", "cell/", "builder/", "%list-"});
}

class Checker {
 public:
  Checker(const CompileServices& services, const UnitImage& image) : services_(services) {
    add_unit(image);
  }

  // The units that code of the first one can reach, itself first.
  const std::map<std::string, const UnitImage*>& units() const { return units_; }
  const std::string& missing() const { return missing_; }

  Result<void> check(const std::string& component) {
    seen_.clear();
    steps_.clear();
    const Meaning start = meaning(component);
    if (start.kind != Meaning::Kind::Function)
      return Error{str(component, " is defined more than once or in a branch")};
    follow(start, 0, component);
    for (std::size_t i = 0; i < steps_.size(); ++i) SX_CHECK(check_step(i));
    return {};
  }

 private:
  struct Step {
    const UnitImage* unit;
    std::uint32_t function;
    std::size_t from;  // the step that led here
    std::string name;
  };

  void add_unit(const UnitImage& unit) {
    if (!units_.emplace(unit.module, &unit).second) return;
    define_all(unit);
    std::vector<std::string> uses = unit.uses;
    for (const std::string& use : uses) {
      if (units_.count(use)) continue;
      if (const UnitImage* other = services_.modules.image_of(use))
        add_unit(*other);  // as deep as modules use each other
      else
        missing_ = use;
    }
  }

  // What the top-level code of a unit gives its names. It is followed in a straight line; where
  // jumps meet nothing is known any more.
  void define_all(const UnitImage& unit) {
    const FunctionImage& top = unit.functions[0];
    std::set<std::int64_t> targets;
    each_instruction(unit, top, [&](const Instruction& ins) {
      if (ins.is_jump()) targets.insert(ins.target());
    });
    for (const HandlerEntry& handler : top.handlers) targets.insert(handler.target);
    std::array<Meaning, 256> registers{};
    std::set<std::string> defined;
    each_instruction(unit, top, [&](const Instruction& ins) {
      if (targets.count(ins.pc)) registers.fill({});
      Meaning made;
      switch (ins.op) {
        case Op::DefGlobal: {
          const std::string& name = unit.globals[ins.d()];
          const bool again = !defined.insert(name).second || meanings_.count(name) != 0;
          meanings_[name] = again ? Meaning{} : registers[ins.a()];
          return;
        }
        case Op::MakeClosure:
          if (unit.functions[ins.d()].captures == 0)
            made = {Meaning::Kind::Function, &unit, ins.d()};
          break;
        case Op::Move:
          made = registers[ins.b()];
          break;
        case Op::LoadInt:
        case Op::LoadSpecial:
        case Op::Const:
        case Op::ConstWide:
          made.kind = Meaning::Kind::Data;
          break;
        case Op::MakeDict:
        case Op::MakeVector:
        case Op::List:
        case Op::CallPrim: {
          const bool pure =
              ins.op != Op::CallPrim || (services_.primitives[ins.second].effect == Effect::Pure &&
                                         allowed(services_.primitives[ins.second]));
          bool data = pure;
          for (unsigned i = 0; i < ins.c(); ++i)
            data = data && registers[(ins.b() + i) & 255].kind == Meaning::Kind::Data;
          if (data) made.kind = Meaning::Kind::Data;
          break;
        }
        default:
          break;
      }
      if (ins.is_call() || ins.is_suspension())
        for (unsigned r = ins.a(); r < 256; ++r) registers[r] = {};
      else if (ins.writes_a())
        registers[ins.a()] = made;
    });
    for (const FunctionImage& f : unit.functions)
      each_instruction(unit, f, [&](const Instruction& ins) {
        if (ins.op == Op::SetGlobal) meanings_[unit.globals[ins.d()]] = {};
        if (ins.op == Op::DefGlobal && &f != &top) meanings_[unit.globals[ins.d()]] = {};
      });
  }

  Meaning meaning(const std::string& name) const {
    const auto found = meanings_.find(name);
    return found == meanings_.end() ? Meaning{} : found->second;
  }

  void follow(const Meaning& function, std::size_t from, std::string name) {
    if (seen_.emplace(function.unit, function.function).second)
      steps_.push_back({function.unit, function.function, from, std::move(name)});
  }

  // "~shop/card calls shop/price, which performs a request, shop.sx:12:3"
  Error refuse(std::size_t at, const Instruction& ins, const std::string& what) const {
    std::vector<std::string> names;
    for (std::size_t i = at;; i = steps_[i].from) {
      if (names.empty() || names.back() != steps_[i].name) names.push_back(steps_[i].name);
      if (i == 0) break;
    }
    std::string way = names.back();
    for (std::size_t i = names.size() - 1; i > 0; --i)
      way += str(i + 1 == names.size() ? " calls " : ", which calls ", names[i - 1]);
    const Step& step = steps_[at];
    std::string place = step.unit->file;
    for (const LineEntry& line : step.unit->functions[step.function].lines)
      if (line.pc <= ins.pc) place = str(step.unit->file, ":", line.line, ":", line.column);
    return Error{str(way, names.size() > 1 ? ", which " : " ", what, ", ", place)};
  }

  Result<void> check_global(std::size_t at, const Instruction& ins, const std::string& name) {
    constexpr std::string_view kPrefix = "primitive#";
    if (name.starts_with(kPrefix)) {
      for (const PrimitiveInfo& primitive : services_.primitives)
        if (primitive.name == std::string_view(name).substr(kPrefix.size()))
          return allowed(primitive) ? Result<void>{}
                                    : Result<void>{refuse(at, ins, str("uses ", primitive.name))};
    }
    const Meaning found = meaning(name);
    switch (found.kind) {
      case Meaning::Kind::Data:
        return {};
      case Meaning::Kind::Function: {
        const std::size_t hash = name.find('#');
        follow(found, at, hash == std::string::npos ? name : name.substr(hash + 1));
        return {};
      }
      case Meaning::Kind::Unknown:
        break;
    }
    return refuse(at, ins,
                  str("uses ", name.substr(name.find('#') + 1),
                      ", of which only running its module tells what it is"));
  }

  Result<void> check_step(std::size_t at) {
    const UnitImage& unit = *steps_[at].unit;
    const FunctionImage& f = unit.functions[steps_[at].function];
    for (std::uint32_t pc = 0; pc < f.code.size();) {
      const Instruction ins = instruction_at(unit, f, pc);
      pc = ins.end();
      switch (ins.op) {
        case Op::Perform:
          return refuse(at, ins, "performs a request");
        case Op::WithHandler:
        case Op::Resume:
        case Op::ResumeRaise:
        case Op::TailResume:
          return refuse(at, ins, "handles requests");
        case Op::FiberNew:
        case Op::FiberStep:
        case Op::FiberCancel:
        case Op::FiberCopy:
        case Op::Limited:
          return refuse(at, ins, "runs fibers");
        case Op::GetDynamic:
        case Op::SetDynamic:
          return refuse(at, ins, "reads or sets parameters");
        case Op::Backtrace:
          return refuse(at, ins, "asks where it was called");
        case Op::SetGlobal:
        case Op::DefGlobal:
          return refuse(at, ins, "changes a global variable");
        case Op::MakeClosure:
          follow({Meaning::Kind::Function, &unit, ins.d()}, at, steps_[at].name);
          break;
        case Op::GetGlobal:
          SX_CHECK(check_global(at, ins, unit.globals[ins.d()]));
          break;
        case Op::CallGlobal:
        case Op::TailGlobal:
          SX_CHECK(check_global(at, ins, unit.globals[ins.second]));
          break;
        case Op::CallPrim:
          if (const PrimitiveInfo& primitive = services_.primitives[ins.second];
              !allowed(primitive))
            return refuse(at, ins, str("uses ", primitive.name));
          break;
        default:
          break;
      }
    }
    return {};
  }

  const CompileServices& services_;
  std::map<std::string, const UnitImage*> units_;  // by module, sorted
  std::string missing_;
  std::map<std::string, Meaning> meanings_;
  std::set<std::pair<const UnitImage*, std::uint32_t>> seen_;
  std::deque<Step> steps_;
};

}  // namespace

Result<void> finish_portable(const CompileServices& services, UnitImage& image) {
  if (std::none_of(image.exports.begin(), image.exports.end(),
                   [](const Export& e) { return e.kind == ExportKind::Portable; }))
    return {};
  Checker checker(services, image);
  if (!checker.missing().empty())
    return Error{str(image.file, ":1:1: The module ", checker.missing(),
                     " is not at hand as code, so nothing here can be checked as :portable.")};
  std::string base = "portable 1\n";
  for (const PrimitiveInfo& primitive : services.primitives) base += str(primitive.usage, "\n");
  for (const auto& [module, unit] : checker.units())
    base += str(module, " ", unit->source_hash, "\n");
  for (Export& e : image.exports) {
    if (e.kind != ExportKind::Portable) continue;
    const Result<void> pure = checker.check(e.name);
    if (!pure.ok())
      return Error{str(image.file, ":1:1: ", e.name,
                       " is named in :portable, but it is not pure: ", pure.error().message,
                       ". Take it out of :portable, or give it what it needs "
                       "as an argument.")};
    e.hash = hex(content_sha256(str(base, e.name)), 16);
  }
  return {};
}

}  // namespace sx
