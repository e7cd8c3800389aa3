// A small bundle that uses most of what bundles hold, and running bundles from anywhere within
// limits: for the bit flip test and the fuzz target.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/bytecode/bundle.h"
#include "engine/bytecode/verify.h"
#include "engine/sx.h"

namespace sx {

inline constexpr std::string_view kTestBundleSource =
    R"((module demo/all :export (demo/run ~demo/card))
(define p (make-parameter 1))
(defcomp ~demo/card (&key title &rest children) (div :class title :title "x" children))
(define (sum n &opt (m 0) &key (k 1) &rest r) (if (= n 0) (+ m k (count r)) (+ n (sum (- n 1) m :k k))))
(define (demo/run x)
  (let* ((d {:a x :b 2.5}) (c (cell 0)) (f (fn (y) (cell/set! c (+ y (get d :a))) (cell/get c)))
         (l (let loop ((i 0) (out ())) (if (< i 5) (loop (+ i 1) (cons (f i) out)) out))))
    (letrec ((ping (fn (n) (if (= n 0) :done (pong (- n 1))))) (pong (fn (n) (ping n))))
      (list (sum 3 1 :k 2) (ping 3)
            (guard (e ((integer? e) e) (else :other)) (protect (%raise x) (set! l (rest l))))
            (with-handler (fn (r k) (%resume k (* r 2))) (+ 1 (%perform 20)))
            (with-limits {:fuel 500} (parameterize ((p 2)) (p)))
            (match l ([a b] a) ((cons a b) (list a)) (_ nil))
            (html/render (~demo/card :title "t" "c" 5)) (%apply + l)))))
)";

// Decodes, verifies, links and runs whatever the bytes hold, never for long. True: it was accepted.
inline bool run_bundle_within_limits(Engine& engine, std::string_view bytes, int& ran) {
  Result<Bundle> bundle = decode_bundle(bytes, engine_tables());
  if (!bundle.ok()) return false;
  constexpr VerifyLimits limits = {1u << 16, std::uint64_t{1} << 24, std::size_t{16} << 20};
  for (const auto& unit : bundle->units)
    if (!verify_unit(*unit, engine_tables(), limits).ok()) return false;
  for (auto& image : bundle->units) {
    Unit* unit = engine.vm.link(std::move(image));
    if (!engine.runner.run_now(engine.vm.closure_of(unit->functions[0]), nullptr, 0, 5000).ok())
      continue;
    for (const Export& e : unit->image->exports) {
      const Value args[] = {Value::small_int(7)};
      const Value fn = engine.global(e.name);
      if (!fn.is_unset() && engine.runner.run_now(fn, args, 1, 5000).ok()) ++ran;
    }
  }
  return true;
}

inline VmConfig small_vm() {
  VmConfig config;
  config.heap.nursery_bytes = std::size_t{64} << 10;
  config.heap.limit_bytes = std::size_t{16} << 20;
  config.stack_bytes_max = std::size_t{1} << 20;
  return config;
}

}  // namespace sx
