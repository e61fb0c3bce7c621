// The one binary: reads the command line and hands over to a command.
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "apps/bench/bench_command.hpp"
#include "apps/commands/commands.hpp"
#include "apps/roles/line_output.hpp"
#include "apps/settings/settings.hpp"
#include "apps/settings/suggestion.hpp"

namespace {

using namespace market::apps;

void add_settings(CLI::App& command, SettingSources& sources) {
  command.add_option("--config", sources.config, "settings file (TOML)");
  command.add_option("--set", sources.assignments, "section.key=value; beats file and environment")
      ->take_all()
      ->allow_extra_args(false);
}

/// A folder whose name SQLite could read as something else than a name: `file:` begins an address of its own,
/// and a quotation mark ends a name.
std::string plain_folder(std::string name) {
  if (name.empty()) throw CLI::ValidationError("a folder's name is empty");
  for (const char c : name)
    if (c == '"' || static_cast<unsigned char>(c) < 0x20)
      throw CLI::ValidationError("a folder's name must have no quotation mark and no control character");
  return name.starts_with("file:") ? "./" + name : name;
}

void add_data(CLI::App& command, std::string& data) {
  command.add_option("--data", data, "data folder")->transform(plain_folder)->capture_default_str();
}

void add_scratch(CLI::App& command, std::string& scratch) {
  command.add_option("--scratch", scratch, "folder for private copies; nothing else is written")
      ->transform(plain_folder);
}

/// One line of a length that can be read, whatever was written on the command line.
void complain(std::string what) {
  constexpr std::size_t shown_bytes = 1'000, its_end = 100;
  if (what.size() > shown_bytes)
    what = what.substr(0, shown_bytes - its_end) + "..." + what.substr(what.size() - its_end);
  for (char& c : what)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  print_patiently(STDERR_FILENO, "market: " + what + '\n');
}

/// Standard output is buffered: that a disk is full shows at the end alone.
bool output_is_whole() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  complain(fmt::format("the output cannot be written: {}", std::strerror(errno)));
  return false;
}

/// `--data=` with nothing behind it would take the next flag for its value: a variable was empty.
void expect_values(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (const std::string_view word = argv[i];
        word.starts_with("--") && word.size() > 3 && word.find('=') == word.size() - 1)
      throw UsageError(fmt::format("{}: has no value (see 'market --help')", word));
}

/// What nobody knows is named, with what may have been meant.
std::string mistake_of(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  const auto unknown = app.remaining(true);
  if (unknown.empty()) return error.what();
  const std::string& word = unknown.front();
  std::vector<std::string> known;
  const bool is_flag = word.starts_with('-');
  if (is_flag)
    for (const CLI::Option* option : at->get_options())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  else
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(command->get_name());
  if (!is_flag && known.empty()) return fmt::format("'{}' is not expected here", word);
  const auto name = word.substr(0, word.find('='));
  return fmt::format("there is no {} '{}'{}", is_flag ? "flag" : "command", name, suggestion(name, known));
}

int run(int argc, char** argv) {
  CLI::App app("E-Commerce Market: sells limited event products first come, first served");
  app.name("market");
  app.set_version_flag("--version", "market " MARKET_VERSION);
  app.require_subcommand(1);
  int status = 0;

  ServeOptions serve_options;
  auto* serve_command = app.add_subcommand("serve", "run the platform");
  serve_command->add_option("--role", serve_options.role, "roles of this process")->capture_default_str();
  serve_command->add_option("--listen", serve_options.listen, "HOST:PORT");
  serve_command->add_flag("--demo", serve_options.demo, "fill an empty store with demo data");
  serve_command->add_flag("--production", serve_options.production,
                          "refuse what is for tests and demonstrations alone");
  serve_command->add_flag("--takeover", serve_options.takeover,
                          "take the listening socket of the running server");
  serve_command->add_flag("--check", serve_options.check, "look at role and settings, start nothing");
  add_data(*serve_command, serve_options.data);
  add_settings(*serve_command, serve_options.settings);
  serve_command->callback([&] { status = serve(serve_options); });

  SeedOptions seed_options;
  auto* seed_command =
      app.add_subcommand("seed", "make load data in a store or a shared market, served or not");
  seed_command->add_option("--users", seed_options.users, "accounts to make")
      ->check(CLI::Range(0, 10'000'000));
  seed_command->add_option("--products", seed_options.products, "event products to make")
      ->check(CLI::Range(0, 100'000));
  seed_command->add_option("--orders", seed_options.orders, "expired orders to write into the log")
      ->check(CLI::Range(0, 100'000'000));
  seed_command->add_option("--stock", seed_options.stock, "units of each product")
      ->check(CLI::Range(0, 1'000'000'000));
  seed_command->add_option("--tokens", seed_options.tokens, "file for one access token a line");
  seed_command->add_option("--token-life", seed_options.token_life, "how long the tokens live")
      ->capture_default_str();
  seed_command->add_option("--url", seed_options.url,
                           "of the server that has the store; default: http.listen");
  add_data(*seed_command, seed_options.data);
  add_settings(*seed_command, seed_options.settings);
  seed_command->callback([&] { status = seed(seed_options); });

  DemoOptions demo_options;
  auto* demo_command =
      app.add_subcommand("demo", "a drop with a crowd of simulated buyers, in a shop that runs with --demo");
  demo_command->add_option("--url", demo_options.url, "http://host:port")->capture_default_str();
  demo_command->add_option("--buyers", demo_options.buyers, "how many come")
      ->check(CLI::Range(1, 5'000))
      ->capture_default_str();
  demo_command->add_option("--units", demo_options.units, "how many there are to buy")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  demo_command->add_option("--opens-in", demo_options.opens_in, "such as 15s")->capture_default_str();
  demo_command->callback([&] { status = run_demo(demo_options); });

  StoreOptions store_options;
  auto* backup_command =
      app.add_subcommand("backup", "copy a store or a shared market, running or not, consistently");
  backup_command->alias("export");
  add_data(*backup_command, store_options.data);
  add_settings(*backup_command, store_options.settings);
  backup_command->add_option("--to", store_options.other, "folder to make")
      ->required()
      ->transform(plain_folder);
  backup_command->callback([&] { status = backup(store_options); });
  auto* restore_command = app.add_subcommand("restore", "make a store, or a shared market, from a backup");
  restore_command->alias("import");
  add_data(*restore_command, store_options.data);
  add_scratch(*restore_command, store_options.scratch);
  add_settings(*restore_command, store_options.settings);
  restore_command->add_option("--from", store_options.other, "the backup's folder")
      ->required()
      ->transform(plain_folder);
  restore_command->callback([&] { status = restore(store_options); });
  auto* check_cmd = app.add_subcommand(
      "check", "verify the invariants of a stopped store, a backup, or a shared market, running or not");
  add_data(*check_cmd, store_options.data);
  add_scratch(*check_cmd, store_options.scratch);
  add_settings(*check_cmd, store_options.settings);
  check_cmd->add_option("--same-as", store_options.same_as, "a store or a backup that must hold the same")
      ->transform(plain_folder);
  check_cmd->callback([&] { status = check_command(store_options); });
  auto* dump_command =
      app.add_subcommand("dump", "write the events of a stopped store, a backup or a topic as JSON lines");
  add_data(*dump_command, store_options.data);
  add_scratch(*dump_command, store_options.scratch);
  add_settings(*dump_command, store_options.settings);
  dump_command->callback([&] { status = dump(store_options); });
  auto* rebuild_command =
      app.add_subcommand("rebuild", "fold the records anew from the log of a stopped store");
  add_data(*rebuild_command, store_options.data);
  add_settings(*rebuild_command, store_options.settings);
  rebuild_command->callback([&] {
    store_options.data_is_named = rebuild_command->count("--data") > 0;
    status = rebuild(store_options);
  });

  auto* log_command = app.add_subcommand("log", "the event log of a stopped store");
  log_command->require_subcommand(1);
  auto* adopt_command =
      log_command->add_subcommand("adopt", "go on with a log that has lost events which the records know");
  add_data(*adopt_command, store_options.data);
  add_settings(*adopt_command, store_options.settings);
  adopt_command->callback([&] {
    store_options.data_is_named = adopt_command->count("--data") > 0;
    status = adopt_log(store_options);
  });

  EventsOptions events_options;
  auto* events_command = app.add_subcommand("events", "the public events");
  events_command->require_subcommand(1);
  auto* tail_command = events_command->add_subcommand(
      "tail", "print the last ones of the topic, or of a store, running or not");
  add_data(*tail_command, events_options.data);
  add_settings(*tail_command, events_options.settings);
  tail_command->add_option("--last", events_options.last, "how many that are there")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  tail_command->add_flag("--follow", events_options.follow, "then each as it comes");
  tail_command->callback([&] { status = tail_events(events_options); });

  KeyOptions key_options;
  auto* keys_command = app.add_subcommand("keys", "the keys that sign access tokens, server running or not");
  keys_command->require_subcommand(1);
  const auto add_keys_command = [&](const char* name, const char* what, int (*run)(const KeyOptions&)) {
    auto* command = keys_command->add_subcommand(name, what);
    add_data(*command, key_options.data);
    add_settings(*command, key_options.settings);
    command->callback([&status, &key_options, run] { status = run(key_options); });
    return command;
  };
  add_keys_command("list", "print them, the newest first: it signs", list_keys);
  add_keys_command("rotate", "make the next one; remove those that no token needs any more", rotate_keys);
  add_keys_command("retire", "remove one at once: its tokens are refused", retire_key)
      ->add_option("KEY", key_options.key, "its id, as 'list' prints it")
      ->required();

  add_keys_command("reencrypt", "a new key for the personal data of a stopped store", reencrypt_fields);

  app.add_subcommand("bench", "load generator; see 'market bench --help'");  // Parsed by the command itself.

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
      complain(fmt::format("{} (see 'market --help')", mistake_of(app, error)));
      return 2;
    }
    app.exit(error);  // --help and --version.
    return output_is_whole() ? 0 : 1;
  }
  // Whoever serves has announced itself; whoever reads a tool's output must get all of it.
  if (status == 0 && !serve_command->parsed() && !output_is_whole()) status = 1;
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_files();
  // Standard output is for what was asked for. A server has a log of its own.
  const auto warnings = spdlog::stderr_logger_mt("market-command");
  warnings->set_pattern("market: %l: %v");
  spdlog::set_default_logger(warnings);
  try {
    expect_values(argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "bench") return run_bench(argc - 1, argv + 1);
    return run(argc, argv);
  } catch (const UsageError& error) {
    complain(error.what());
    return 2;
  } catch (const std::exception& error) {
    complain(error.what());
    return 1;
  }
}
