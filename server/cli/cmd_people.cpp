// sx user, token, secret: who may do what in an installation. The work is the application's
// (lib/host/command.sx): a running server does it when there is one.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "engine/base/str.h"
#include "server/cli/app_host.h"
#include "server/crypto/secret.h"

namespace sx::cli {

namespace {

// What the options of these commands are read into.
struct PeopleOptions {
  std::string name, role, scopes, label, action, resource = "*";
  int days = 0;
  int keep = 1;
  bool json = false;
  bool from_stdin = false;
};

// SX_USER_PASSWORD, the first line of standard input, or one that is made.
Result<std::string> password_of(const Settings& settings, bool from_stdin, bool& made) {
  made = false;
  if (from_stdin) {
    std::string line;
    if (!std::getline(std::cin, line) || line.empty())
      return Error{"standard input has no password; expected it as the first line"};
    if (line.back() == '\r') line.pop_back();
    return line;
  }
  if (settings.given(Setting::UserPassword)) return settings.text(Setting::UserPassword);
  made = true;
  return generate_password();
}

int fail_usage(std::string_view message) {
  report_error(message);
  return 2;
}

int with_password(Settings& settings, const PeopleOptions& o, std::vector<std::string> words,
                  bool makes_store) {
  constexpr SettingScope kScopes[] = {SettingScope::Installation, SettingScope::Command};
  if (const auto resolved = settings.resolve(process_environment(), kScopes); !resolved.ok())
    return fail_usage(resolved.error().message);
  bool made = false;
  auto password = password_of(settings, o.from_stdin, made);
  if (!password.ok()) return fail_usage(password.error().message);
  words.push_back(str("password=", password.value()));
  if (made) words.push_back("made=1");
  return cmd_installation(settings, words, makes_store);
}

int cmd_secret_rotate(Settings& settings, int keep) {
  constexpr SettingScope kScopes[] = {SettingScope::Installation};
  if (const auto resolved = settings.resolve(process_environment(), kScopes); !resolved.ok())
    return fail_usage(resolved.error().message);
  if (settings.given(Setting::Secret))
    return fail_usage(
        "SX_SECRET is set, so the secret is not in the data folder; put the new one there and the "
        "former one into SX_SECRETS_BEFORE");
  const auto rotated = rotate_secret(settings.text(Setting::Data), static_cast<std::size_t>(keep));
  if (!rotated.ok()) {
    report_error(rotated.error().message);
    return 1;
  }
  std::printf(
      "a new secret signs from the next start of the server on; %zu former one%s accepted\n",
      rotated.value() - 1, rotated.value() == 2 ? " is" : "s are");
  return 0;
}

}  // namespace

void add_people_commands(CLI::App& app, Settings& settings, int& status) {
  static PeopleOptions o;
  auto command = [&](CLI::App* group, const char* name, const char* meaning) {
    CLI::App* made = group->add_subcommand(name, meaning);
    add_setting_options(made, settings);
    return made;
  };
  auto named = [&](CLI::App* made) { made->add_option("NAME", o.name)->required(); };
  auto run = [&settings, &status](std::vector<std::string> words) {
    words.insert(words.begin(), "app");
    status = cmd_installation(settings, words);
  };
  const char* kPasswordFrom = "the first line of standard input is the password";

  auto* user = app.add_subcommand("user", "users of the installation");
  user->require_subcommand(1);

  auto* add =
      command(user, "add", "make a user; the password is SX_USER_PASSWORD or made and printed");
  named(add);
  add->add_option("--role", o.role, "admin, author or reader")->default_str("author");
  add->add_flag("--stdin", o.from_stdin, kPasswordFrom);
  add->callback([&] {
    status = with_password(
        settings, o, {"app", "command=user-add", str("name=", o.name), str("role=", o.role)}, true);
  });

  auto* password =
      command(user, "password", "give a user another password and end the user's sessions");
  named(password);
  password->add_flag("--stdin", o.from_stdin, kPasswordFrom);
  password->callback([&] {
    status =
        with_password(settings, o, {"app", "command=user-password", str("name=", o.name)}, false);
  });

  auto* list = command(user, "list", "all users, their roles and grants");
  list->add_flag("--json", o.json);
  list->callback([&, run] { run({"command=user-list", o.json ? "json=1" : "json="}); });

  auto* role = command(user, "role", "give a user another role");
  named(role);
  role->add_option("ROLE", o.role, "admin, author or reader")->required();
  role->callback([&, run] {
    run({"command=user-role", str("name=", o.name), str("role=", o.role)});
  });

  struct Plain {
    const char* name;
    const char* meaning;
  };
  static constexpr Plain kPlain[] = {
      {"remove", "remove a user with all sessions, tokens and grants"},
      {"disable", "let nobody in under this name; what the user wrote stays"},
      {"enable", "take back `disable`"}};
  for (const Plain& each : kPlain) {
    auto* made = command(user, each.name, each.meaning);
    named(made);
    made->callback([&, run, each] {
      run({str("command=user-", each.name), str("name=", o.name)});
    });
  }
  for (const Plain& each : {Plain{"grant", "let a user do more than the role allows"},
                            Plain{"ungrant", "take back what `grant` gave"}}) {
    auto* made = command(user, each.name, each.meaning);
    named(made);
    made->add_option("ACTION", o.action, "such as post/write, or * for any")->required();
    made->add_option("RESOURCE", o.resource, "what it may be done to; * for anything");
    made->callback([&, run, each] {
      run({str("command=user-", each.name), str("name=", o.name), str("action=", o.action),
           str("resource=", o.resource)});
    });
  }

  auto* token = app.add_subcommand("token", "Bearer tokens for programs");
  token->require_subcommand(1);
  auto* token_add = command(token, "add", "make a token that acts as a user; it is shown once");
  token_add->add_option("USER", o.name)->required();
  token_add
      ->add_option("--scope", o.scopes,
                   "what it may do, separated by commas: read, post/write, * …")
      ->default_str("*");
  token_add->add_option("--label", o.label, "what it is for");
  token_add->add_option("--days", o.days, "when it ends; without, never")
      ->check(CLI::Range(1, 36500));
  token_add->callback([&, run] {
    run({"command=token-add", str("name=", o.name), str("scopes=", o.scopes),
         str("label=", o.label), o.days > 0 ? str("days=", o.days) : std::string("days=")});
  });
  auto* token_list =
      command(token, "list", "all tokens, by what they are for; not the tokens themselves");
  token_list->add_flag("--json", o.json);
  token_list->callback([&, run] { run({"command=token-list", o.json ? "json=1" : "json="}); });
  auto* token_revoke = command(token, "revoke", "end a token at once");
  token_revoke->add_option("ID", o.name, "as `sx token list` shows it")->required();
  token_revoke->callback([&, run] { run({"command=token-revoke", str("id=", o.name)}); });

  auto* secret = app.add_subcommand("secret", "the root secret in the data folder");
  secret->require_subcommand(1);
  auto* rotate =
      command(secret, "rotate", "make a new one; what the former one signed stays valid");
  rotate->add_option("--keep", o.keep, "how many former ones stay accepted; 0 logs everybody out")
      ->check(CLI::Range(0, 16))
      ->default_str("1");
  rotate->callback([&] { status = cmd_secret_rotate(settings, o.keep); });
}

}  // namespace sx::cli
