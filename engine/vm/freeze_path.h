// The way from a frozen fiber to a value in it, for the sentence that refuses the value. Internal
// to engine/vm/freeze*.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/bytecode/unit.h"
#include "engine/value/symbol.h"

namespace sx {

// How a value was reached.
enum class Way : std::uint8_t {
  Start,
  Register,  // n: register; frame: index in frames_
  Pending,   // what a handler has still to resume
  Function,  // the function of a frame
  Handler,
  Dynamic,
  Head,
  Tail,
  Element,
  Member,
  Key,
  Entry,  // n: the place of the entry in its dict or table
  Named,  // n: symbol of the key or field
  Hole,
  Capture,  // n: which of them; frame: of the function
  Content,
};

class FreezePath {
 public:
  // A step on from another one; 0 is the start.
  std::uint32_t step(std::uint32_t from, Way way, std::uint32_t n, std::uint32_t frame);
  std::uint32_t frame(const Function& function, const std::uint32_t* pc);
  std::size_t frames() const { return frames_.size(); }
  std::size_t bytes() const {
    return steps_.size() * sizeof(Step) + frames_.size() * sizeof(NotedFrame);
  }
  // "the parameter page of wait, which needs it after t.sx:1:19, element 1"; "" at the start.
  std::string text(std::uint32_t step, const SymbolTable& symbols) const;

 private:
  struct Step {
    std::uint32_t from = 0;
    std::uint32_t n = 0;
    std::uint32_t frame = 0;
    Way way = Way::Start;
  };
  struct NotedFrame {
    const Function* function;
    const std::uint32_t* pc;
  };
  std::string describe(const Step& step, const SymbolTable& symbols) const;
  std::string describe_frame(const Step& step) const;
  std::vector<Step> steps_ = {{}};
  std::vector<NotedFrame> frames_;
};

}  // namespace sx
