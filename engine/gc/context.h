// Context: what every part of the engine that touches values needs: heap, symbols, shapes, the
// pending error, and the fuel that leaf natives charge. One per VM.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/gc/heap.h"
#include "engine/value/shape.h"
#include "engine/value/symbol.h"

namespace sx {

class Vm;

struct Context {
  Context(const HeapConfig& config, std::uint64_t seed);
  Context(const Context&) = delete;

  Heap heap;
  SymbolTable symbols;
  ShapeTable shapes;
  // Key of the hash of strings and bytes; per process, invisible to programs.
  std::uint64_t hash_seed;
  // Work left in this slice. Calls and back edges cost 1; natives charge in proportion to what
  // they touch (about 1 per 64 bytes).
  std::int64_t fuel = 0;
  void charge(std::size_t bytes) { fuel -= static_cast<std::int64_t>(bytes >> 6); }

  // The macro expansion under way (prim/prim_macro.cpp): the module of the macro (symbol id) and
  // the symbols renamed so far, base → alias.
  struct Expansion {
    std::uint32_t module = 0;
    std::unordered_map<std::uint32_t, std::uint32_t> renamed;
  };
  Expansion expansion;

  // Record types by name and fields, in the static generation (record_type in collections.h).
  std::unordered_map<std::string, Value> record_types;

  // What upper layers keep for as long as the context; each makes its own on first use.
  struct Attachment {
    virtual ~Attachment() = default;
  };
  std::unique_ptr<Attachment> templates;  // markup templates by hash: bytecode/templates.h
  std::unique_ptr<Attachment> html;       // what pages are written into: render/html_buffer.h

  // A cell that is another one after a fiber was copied: what was under construction before may be
  // so twice now (%list-begin). nil: nobody asked for it yet.
  Value copy_mark = Value::nil();

  // The machine around it, for natives that look into fibers (vm/freeze.h); null without one.
  Vm* vm = nullptr;

  // The error of the primitive that just returned unset.
  Value error = Value::nil();

  // Makes an error value {:kind :message :data :trace}, leaves it in `error` and returns unset:
  //   return cx.fail("type-error", str("Expected list, got ", type_name(v)));
  Value fail(std::string_view kind, std::string_view message, Value data = Value::nil());
  // As nearly always. WebAssembly hands a string_view over in memory: many bytes at each call, and
  // reading it back as one word waits until both halves have been written.
  Value fail(const char* kind, const char* message, Value data = Value::nil());
  Value fail(const char* kind, const std::string& message, Value data = Value::nil());
  // "NAME: Expected list, got string" with the value's printed form shortened into :data.
  Value fail_type(const char* who, const char* expected, Value got);

  Value symbol(std::string_view name) { return Value::symbol(symbols.intern(name)); }
  Value keyword(std::string_view name) { return Value::keyword(symbols.intern(name)); }
};

}  // namespace sx
