// A frozen fiber with most of what fibers hold, and thawing and running whatever bytes hold within
// limits: for the bit flip test and the fuzz target.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "engine/sx.h"
#include "engine/value/collections.h"
#include "engine/vm/freeze.h"
#include "engine/vm/test_bundle.h"

namespace sx {

// Uses primitives and special forms only, so that it needs no core library.
inline constexpr std::string_view kTestFrozenSource =
    R"((module demo/frozen :export (demo/make demo/drive demo/state))
(define p (make-parameter 1))
(define demo/state (table/new))
(defrecord point (x y))
(define (ask n) (protect (+ n (%perform [:ask n (p)])) (table/put! demo/state n n)))
(define (down n f) (if (= n 0) (f n) (+ 1 (down (- n 1) f))))
(define (work a &opt (b 2) &key k &rest r)
  (let* ((c (cell a)) (n 0) (arr (array/new)) (t (table/new)) (up (fn () (set! n (+ n 1)) n))
         (child (%fiber-new (fn () (protect (+ 1 (%perform :child)) (up)))))
         (long (list 1 2.5 "text" #u8"\x01;b" #\a :k 'sym 123456789012345678901 [1 [2]] {:a 1 "b" 2} #{1 2}
                     (point 1 c) (div :class "x" a) (secret 1) (builder/new) (array/typed :f64 2) car)))
    (array/push! arr c) (cell/set! c arr) (table/put! t arr up) (%fiber-step child nil nil)
    (letrec ((even (fn (i) (if (= i 0) true (odd (- i 1))))) (odd (fn (i) (if (= i 0) false (even (- i 1))))))
      (parameterize ((p 7))
        (guard (e (else [:caught e (p) n]))
          (with-handler (fn (r k) (if (= r :mine) (%resume k (up)) (%resume k (ask 2))))
            (with-limits {:fuel 4000 :heap 1000000 :depth 100000}
              (let ((x (down 3 (fn (i) (ask (+ i (%perform :mine)))))) (y (%perform :other)))
                (list x y (even 4) (count long) (table/get t arr) (%fiber-step child 5 100) (up) b k r)))))))))
(define (demo/make kind)
  (let ((f (%fiber-new (fn () (work 5 6 :k 7 8)))))
    (cond ((= kind 0) (%fiber-step f nil nil) (%freeze f))
          ((= kind 1) (with-handler (fn (r k) (freeze k)) (down 2 (fn (n) (+ n (ask 1))))))
          (else (%fiber-step f nil kind) (%freeze f)))))
(define (%freeze f) (freeze f))
(define (again f) (guard (e (else f)) (thaw (freeze f))))
(define (demo/drive f)
  (if (= (type-of f) :continuation)
      (guard (e (else e)) (resume f 1))
      (let loop ((i 0) (f f))
        (if (< i 4)
            (do (guard (e (else e)) (%fiber-step f i 3000)) (loop (+ i 1) (again f)))
            (guard (e (else e)) (%fiber-cancel f :end))))))
)";

struct FrozenMachine {
  explicit FrozenMachine(bool stress = false) : engine(config(stress)) {
    engine.find_source = [](std::string_view module) -> std::optional<SourceFile> {
      if (module == "core") return SourceFile{"(module core :export ())", "core.sx"};
      return SourceFile{std::string(kTestFrozenSource), "lib/demo/frozen.sx"};
    };
    const auto loaded = engine.require_module("demo/frozen");
    if (loaded.ok()) return;
    std::fprintf(stderr, "the sample does not compile: %s\n", loaded.error().message.c_str());
    std::abort();
  }
  static VmConfig config(bool stress) {
    VmConfig config = small_vm();
    config.heap.stress = stress;
    return config;
  }

  // 0: in the middle of a request; 1: a continuation; more: when this fuel ran out.
  std::string frozen(int kind) {
    const Value args[] = {Value::small_int(kind)};
    const auto bytes = engine.runner.run_now(engine.global("demo/make"), args, 1);
    if (!bytes.ok() || !is_bytes(*bytes)) {
      std::fprintf(stderr, "the sample does not freeze: %s\n",
                   bytes.ok() ? "no bytes" : bytes.error().message.c_str());
      std::abort();
    }
    return std::string(reinterpret_cast<const char*>(as_bytes(*bytes)->data()),
                       as_bytes(*bytes)->byte_len);
  }

  // True: the bytes were accepted, and what they hold has run.
  bool run_within_limits(std::string_view bytes) {
    const Value fiber = thaw(engine.vm, bytes);
    if (fiber.is_unset()) return false;
    const Value args[] = {fiber};
    (void)engine.runner.run_now(engine.global("demo/drive"), args, 1, 30'000);
    return true;
  }

  Engine engine;
};

}  // namespace sx
