#include "engine/vm/freeze_path.h"

#include "engine/base/str.h"
#include "engine/vm/interpreter.h"

namespace sx {

std::uint32_t FreezePath::step(std::uint32_t from, Way way, std::uint32_t n, std::uint32_t frame) {
  steps_.push_back({from, n, frame, way});
  return static_cast<std::uint32_t>(steps_.size() - 1);
}

std::uint32_t FreezePath::frame(const Function& function, const std::uint32_t* pc) {
  frames_.push_back({&function, pc});
  return static_cast<std::uint32_t>(frames_.size() - 1);
}

std::string FreezePath::text(std::uint32_t step) const {
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
    path += describe(steps_[way[i - 1]]);
  }
  return path;
}

std::string FreezePath::describe(const Step& step) const {
  switch (step.way) {
    case Way::Register:
      return str("register ", step.n, " of ", describe_frame(step));
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
    case Way::Field:
      return str("field ", step.n);
    case Way::Hole:
      return str("hole ", step.n, " of markup");
    case Way::Capture:
      return str("variable ", step.n, " of a closure");
    case Way::Content:
      return "what it holds";
    case Way::Start:
      break;
  }
  return "";
}
std::string FreezePath::describe_frame(const Step& step) const {
  const NotedFrame& frame = frames_[step.frame];
  const Function& fn = *frame.function;
  std::string out(fn.name.empty() ? std::string_view("a function without a name") : fn.name);
  if (!fn.unit || fn.unit->file.empty()) return out;
  out += str(" (", fn.unit->file);
  const LineEntry at =
      position_at(fn, frame.pc > fn.code ? static_cast<std::uint32_t>(frame.pc - fn.code - 1) : 0);
  if (at.line != 0) out += str(":", at.line, ":", at.column);
  return out + ")";
}

}  // namespace sx
