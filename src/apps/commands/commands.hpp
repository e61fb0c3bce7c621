#pragma once
/// The subcommands of `market`, each with its options. They throw UsageError for a mistake of the operator.

#include <string>
#include <vector>

namespace market::apps {

/// Where settings come from, for every subcommand that has some.
struct SettingSources {
  std::string config;
  std::vector<std::string> assignments;
};

struct ServeOptions {
  std::string role = "all";
  std::string listen;
  std::string data = "data";
  bool demo = false;
  bool takeover = false;
  bool production = false;  ///< What is for tests and demonstrations is refused.
  bool check = false;       ///< Settings and role are looked at, and nothing is started.
  SettingSources settings;
};
int serve(const ServeOptions& options);

struct SeedOptions {
  std::string data = "data";
  std::int64_t users = 0, products = 0, orders = 0;
  std::int64_t stock = 1'000'000;
  std::string tokens;
  std::string token_life = "24h";
  std::string url;  ///< Of the server that has the store; empty: http.listen.
  SettingSources settings;
};
int seed(const SeedOptions& options);

struct DemoOptions {
  std::string url = "http://127.0.0.1:8080";
  std::int64_t buyers = 400, units = 150;
  std::string opens_in = "15s";
};
/// Announces a drop in a running shop with demo data and sends it a crowd.
int run_demo(const DemoOptions& options);

struct StoreOptions {
  std::string data = "data";
  bool data_is_named = false;  ///< By --data; else it is the default, which need not be there.
  std::string other;           ///< --to of backup, --from of restore.
  std::string scratch;  ///< Where check and dump may write; empty: the system's folder for temporary files.
  std::string same_as;  ///< Of check: another store, which must hold the same.
  SettingSources settings;  ///< They may name a log and databases that several processes share.
};
int backup(const StoreOptions& options);
int restore(const StoreOptions& options);
int check_command(const StoreOptions& options);
/// Writes every event of the log to standard output, one JSON object a line.
int dump(const StoreOptions& options);
/// Folds the records anew from the log.
int rebuild(const StoreOptions& options);
/// Goes on with a log that has lost events which the records know: lists the orders that are lost with them,
/// raises the log's generation and folds the records anew.
int adopt_log(const StoreOptions& options);

struct EventsOptions {
  std::string data = "data";
  std::int64_t last = 10;
  bool follow = false;
  SettingSources settings;
};
/// Prints public events, one JSON object a line: of the topic, or of the store when the log is not on Kafka.
int tail_events(const EventsOptions& options);

struct KeyOptions {
  std::string data = "data";
  std::string key;  ///< Which one to retire.
  SettingSources settings;
};
/// The keys that sign access tokens: prints them; makes the next one; removes one at once.
int list_keys(const KeyOptions& options);
int rotate_keys(const KeyOptions& options);
int retire_key(const KeyOptions& options);
/// The keys of personal data: makes the next one, and encrypts everything with it.
int reencrypt_fields(const KeyOptions& options);

}  // namespace market::apps
