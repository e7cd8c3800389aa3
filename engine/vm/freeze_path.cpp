#include "engine/vm/freeze_path.h"

#include "engine/base/str.h"
#include "engine/vm/interpreter.h"

namespace sx {

namespace {

// The innermost variable that stands in a register, or that a closure took along; "" when the
// bundle has no names.
std::string_view variable_name(const Function& fn, const std::uint32_t* pc, std::uint32_t place) {
  if (!fn.unit || !fn.unit->image) return "";
  const std::uint32_t at = pc > fn.code ? static_cast<std::uint32_t>(pc - fn.code - 1) : 0;
  const LocalEntry* found = nullptr;
  for (const LocalEntry& local : fn.unit->image->functions[fn.index].locals)
    if (local.place == place && local.from <= at && at < local.to &&
        (!found || found->from <= local.from))
      found = &local;
  return found ? found->name : std::string_view();
}

std::string name_of(const Function& fn) {
  return std::string(fn.name.empty() ? std::string_view("a function without a name") : fn.name);
}

// "t.sx:1:19", "" where nothing is known.
std::string place_of(const Function& fn, const std::uint32_t* pc) {
  if (!fn.unit || fn.unit->file.empty()) return "";
  const LineEntry at =
      position_at(fn, pc > fn.code ? static_cast<std::uint32_t>(pc - fn.code - 1) : 0);
  return at.line == 0 ? fn.unit->file : str(fn.unit->file, ":", at.line, ":", at.column);
}

}  // namespace

std::uint32_t FreezePath::step(std::uint32_t from, Way way, std::uint32_t n, std::uint32_t frame) {
  steps_.push_back({from, n, frame, way});
  return static_cast<std::uint32_t>(steps_.size() - 1);
}

std::uint32_t FreezePath::frame(const Function& function, const std::uint32_t* pc) {
  frames_.push_back({&function, pc});
  return static_cast<std::uint32_t>(frames_.size() - 1);
}

std::string FreezePath::text(std::uint32_t step, const SymbolTable& symbols) const {
  std::vector<std::uint32_t> way;
  for (std::uint32_t at = step; at != 0 && steps_.size() > at; at = steps_[at].from)
    way.push_back(at);
  std::string path;
  for (std::size_t i = way.size(); i > 0; --i) {
    if (i + 6 < way.size() && i > 6) {  // a long way is shown by its ends
      if (i == 7) path += ", …";
      continue;
    }
    if (!path.empty()) path += ", ";
    path += describe(steps_[way[i - 1]], symbols);
  }
  return path;
}

std::string FreezePath::describe(const Step& step, const SymbolTable& symbols) const {
  switch (step.way) {
    case Way::Register: {
      const NotedFrame& frame = frames_[step.frame];
      const std::string_view variable = variable_name(*frame.function, frame.pc, step.n);
      const std::string place = place_of(*frame.function, frame.pc);
      const bool parameter = !variable.empty() && step.n < frame.function->parameters();
      return str(variable.empty() ? "a value"
                 : parameter      ? "the parameter "
                                  : "the variable ",
                 variable, " of ", name_of(*frame.function), ", which needs it after ",
                 place.empty() ? "it went on" : place);
    }
    case Way::Pending:
      return "what a handler has still to resume";
    case Way::Function:
      return str("the function that runs in ", describe_frame(step));
    case Way::Handler:
      return "its handler";
    case Way::Dynamic:
      return "its parameters";
    case Way::Head:
      return "the head of a list";
    case Way::Tail:
      return "the rest of a list";
    case Way::Element:
      return str("element ", step.n);
    case Way::Member:
      return "a member of a set";
    case Way::Key:
      return str("key ", step.n);
    case Way::Entry:
      return str("the value of entry ", step.n);
    case Way::Named:
      return str("the value of :", symbols.name(step.n));
    case Way::Hole:
      return str("hole ", step.n, " of markup");
    case Way::Capture: {
      const std::string_view variable =
          variable_name(*frames_[step.frame].function, nullptr, kCapturePlace + step.n);
      return str(variable.empty() ? "a variable" : "the variable ", variable, " that ",
                 describe_frame(step), " uses from outside");
    }
    case Way::Content:
      return "what it holds";
    case Way::Start:
      break;
  }
  return "";
}

std::string FreezePath::describe_frame(const Step& step) const {
  const NotedFrame& frame = frames_[step.frame];
  const std::string place = place_of(*frame.function, frame.pc);
  return place.empty() ? name_of(*frame.function) : str(name_of(*frame.function), " (", place, ")");
}

}  // namespace sx
