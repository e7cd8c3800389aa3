// Calls: how arguments bind to parameters, and what can be called.
#include "engine/base/str.h"
#include "engine/prim/operations.h"
#include "engine/prim/primitives.h"
#include "engine/reader/printer.h"
#include "engine/reference/machine.h"
#include "engine/value/collections.h"

namespace sx::reference {

namespace {

Lambda& lambda_of(Value closure) { return *static_cast<Lambda*>(as_closure(closure)->function()); }
Env* env_of(Value closure) {
  return reinterpret_cast<Env*>(
      static_cast<std::uintptr_t>(as_closure(closure)->captures()[0].as_int()));
}

std::string counted(int n, const char* noun) { return str(n, " ", noun, n == 1 ? "" : "s"); }

}  // namespace

void Machine::arity_error(const Lambda& fn, int count) {
  const int required = static_cast<int>(fn.required.size());
  std::string expected = counted(required, "argument");
  if (fn.has_rest || !fn.keys.empty()) {
    expected = str("at least ", expected);
  } else if (!fn.optional.empty()) {
    expected =
        str(required, " to ", counted(required + static_cast<int>(fn.optional.size()), "argument"));
  }
  fail("arity-error",
       str(fn.name_text.empty() ? std::string_view("function") : std::string_view(fn.name_text),
           ": Expected ", expected, ", got ", count, ". Usage: ", fn.usage_text));
}

// The environment of a call and what is evaluated in it: the defaults of what was not given, then
// the body. False: an error is raised.
bool Machine::bind_arguments(Lambda& fn, const std::vector<Value>& args, Env*& env, Value& body) {
  const int count = static_cast<int>(args.size());
  const std::string_view name = fn.name_text.empty() ? std::string_view("function") : fn.name_text;
  if (args.size() < fn.required.size()) return arity_error(fn, count), false;
  std::size_t taken = 0;
  for (const SymbolId id : fn.required) env = bind(env, id, args[taken++]);
  std::vector<Value> defaults;
  const auto optional = [&](const Lambda::Default& parameter, Value given) {
    env = bind(env, parameter.name, given);
    if (!given.is_unset()) return;
    if (parameter.form.is_unset()) {
      env->value = Value::nil();
    } else {
      defaults.push_back(list({internal("set!"), Value::symbol(parameter.name), parameter.form}));
    }
  };
  for (const Lambda::Default& parameter : fn.optional)
    optional(parameter, taken < args.size() ? args[taken++] : Value::unset());
  std::vector<Value> keys(fn.keys.size(), Value::unset()), rest;
  for (; taken < args.size(); ++taken) {
    const Value arg = args[taken];
    if (!fn.keys.empty() && arg.is_keyword()) {
      std::size_t slot = 0;
      while (slot < keys.size() &&
             cx_.symbols.name(strip(Value::symbol(fn.keys[slot].name)).id()) !=
                 cx_.symbols.name(arg.id()))
        ++slot;
      if (slot < keys.size()) {
        if (taken + 1 >= args.size()) {
          fail("arity-error",
               str(name, ": no value after ", print(cx_, arg), ". Usage: ", fn.usage_text));
          return false;
        }
        keys[slot] = args[++taken];
        continue;
      }
      if (!fn.has_rest) {
        fail("arity-error",
             str(name, ": unknown keyword ", print(cx_, arg), ". Usage: ", fn.usage_text));
        return false;
      }
    }
    if (!fn.has_rest && !fn.keys.empty()) {
      fail("arity-error", str(name, ": Expected keyword arguments, found ",
                              print(cx_, arg, {.bytes_max = 80}), ". Usage: ", fn.usage_text));
      return false;
    }
    if (!fn.has_rest) return arity_error(fn, count), false;
    rest.push_back(arg);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) optional(fn.keys[i], keys[i]);
  if (fn.has_rest) env = bind(env, fn.rest, list_of(rest));
  body = fn.body;
  if (!defaults.empty()) {
    defaults.push_back(cx_.heap.cons(internal("do"), fn.body));
    body = list_of(defaults);
  }
  return true;
}

void Machine::apply(Value callee, std::vector<Value>& args) {
  const int count = static_cast<int>(args.size());
  if (is_closure(callee)) {
    Env* env = env_of(callee);
    Value body;
    if (!bind_arguments(lambda_of(callee), args, env, body)) return;
    eval_body(body, env);
    return charge();
  }
  if (is_kind(callee, Kind::Primitive))
    return call_primitive(
        static_cast<int>(static_cast<PrimitiveObject*>(callee.as_object())->index), args);
  if (is_kind(callee, Kind::Parameter)) {
    if (count != 0) return fail("arity-error", str("parameter: Expected 0 arguments, got ", count));
    for (Value at = current_->dynamic; is_pair(at); at = cdr(at))
      if (car(car(at)) == callee) return give(cdr(car(at)));
    return give(static_cast<Parameter*>(callee.as_object())->default_value);
  }
  if (callee.is_keyword()) {
    if (count < 1 || count > 2)
      return fail("arity-error",
                  str("keyword as function: Expected 1 to 2 arguments, got ", count));
    bool failed = false;
    const Value found = op_lookup(cx_, args[0], callee, &failed);
    if (failed) return raise_pending();
    return give(!found.is_unset() ? found : count == 2 ? args[1] : Value::nil());
  }
  fail("type-error", str("Not callable: ", print(cx_, callee, {.bytes_max = 80})));
}

void Machine::call_primitive(int index, std::vector<Value>& args) {
  const PrimitiveInfo& prim = primitives()[index];
  const int count = static_cast<int>(args.size());
  if (count < prim.min_args || (prim.max_args >= 0 && count > prim.max_args)) {
    std::string expected = counted(prim.min_args, "argument");
    if (prim.max_args < 0) {
      expected = str("at least ", expected);
    } else if (prim.max_args != prim.min_args) {
      expected = str(int{prim.min_args}, " to ", counted(prim.max_args, "argument"));
    }
    return fail("arity-error",
                str(prim.name, ": Expected ", expected, ", got ", count, ". Usage: ", prim.usage));
  }
  const Value result = prim.fn(cx_, args.data(), count);
  used_ -= cx_.fuel;
  cx_.fuel = 0;
  if (result.is_unset()) return raise_pending();
  give(result);
}

}  // namespace sx::reference
