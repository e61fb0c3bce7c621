#include "apps/bench/bench_command.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include "apps/bench/generator.hpp"
#include "apps/bench/process_usage.hpp"
#include "apps/commands/commands.hpp"
#include "apps/roles/serve_parts.hpp"
#include "apps/settings/settings.hpp"
#include "base/time.hpp"

namespace market::apps {
namespace {

using load::Mode;

struct Options {
  std::string mode = "buy", url, path, tokens, json, key_prefix;
  std::string duration = "10s", drain = "10s", catch_up = "60s";
  SettingSources sources;
  std::vector<std::string> products;
  std::vector<int> server_pids;
  double rate = 0;
  int connections = 256, threads = 1, quantity = 1, reads_per_buy = 9;
  std::uint64_t requests = 0, first_user = 0;
  bool until_caught_up = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("--mode", options.mode, "buy, soldout, read (products), mixed, or get (--path)")
      ->check(CLI::IsMember({"buy", "soldout", "read", "mixed", "get"}))
      ->capture_default_str();
  app.add_option("--url", options.url, "http://host:port; default: http.listen of the settings");
  app.add_option("--config", options.sources.config, "settings file (TOML)");
  app.add_option("--set", options.sources.assignments, "section.key=value; beats file and environment")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--path", options.path, "what mode get asks for, such as /health/live");
  app.add_option("--product", options.products, "product id; several are taken in turn");
  app.add_option("--tokens", options.tokens,
                 "file with one access token a line: each request is another user's");
  app.add_option("--first-user", options.first_user, "the token to begin with")->capture_default_str();
  app.add_option("--quantity", options.quantity, "units of an order")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--reads-per-buy", options.reads_per_buy, "of mode mixed")->check(CLI::Range(0, 10'000));
  app.add_option("--key-prefix", options.key_prefix,
                 "of the idempotency keys; default: different in each run");
  app.add_option("--connections", options.connections, "kept alive")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "of the generator")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "open loop: requests per second; without it, closed loop")
      ->check(CLI::PositiveNumber);
  app.add_option("--duration", options.duration, "how long to send, such as 10s")->capture_default_str();
  app.add_option("--requests", options.requests,
                 "how many to send, at most within the duration when it is given");
  app.add_option("--drain", options.drain, "how long to wait for the last answers")->capture_default_str();
  app.add_option("--server-pid", options.server_pids, "processes whose CPU time and memory to report")
      ->delimiter(',');
  app.add_flag("--until-caught-up", options.until_caught_up, "then wait until market_fold_lag_events is 0");
  app.add_option("--json", options.json, "file for the numbers; '-' for standard output");
}

std::chrono::nanoseconds duration_of(const std::string& name, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed) throw UsageError(fmt::format("bench: --{} {}", name, parsed.error().detail));
  return *parsed;
}

std::vector<std::string> read_tokens(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> tokens;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) tokens.push_back(line);
  if (tokens.empty()) throw UsageError(fmt::format("bench: --tokens {}: there is no token in it", path));
  return tokens;
}

load::Requests requests_of(const Options& options, const load::Target& target) {
  load::RequestPlan plan;
  plan.mode = options.mode == "read" || options.mode == "get" ? Mode::get
              : options.mode == "mixed"                       ? Mode::mixed
                                                              : Mode::buy;
  if (options.mode == "get" && options.path.empty()) throw UsageError("bench: mode get needs --path");
  if (options.mode != "get" && options.products.empty())
    throw UsageError(fmt::format("bench: mode {} needs --product", options.mode));
  if (plan.mode != Mode::get) {
    if (options.tokens.empty()) throw UsageError(fmt::format("bench: mode {} needs --tokens", options.mode));
    plan.tokens = read_tokens(options.tokens);
  }
  plan.host = target.host;
  if (options.mode == "get") plan.path = options.path;
  plan.products = options.products;
  plan.first_user = options.first_user;
  plan.quantity = options.quantity;
  plan.reads_per_buy = options.reads_per_buy;
  plan.key_prefix = options.key_prefix;
  if (plan.key_prefix.empty())
    plan.key_prefix = fmt::format("b{:x}", std::chrono::system_clock::now().time_since_epoch().count());
  return load::Requests(std::move(plan));
}

/// The value of market_fold_lag_events in a page of metrics.
std::optional<std::int64_t> fold_lag(const std::string& metrics) {
  constexpr std::string_view name = "\nmarket_fold_lag_events ";
  const auto at = metrics.find(name);
  if (at == std::string::npos) return std::nullopt;
  return std::atoll(metrics.c_str() + at + name.size());
}

/// Answers how long it took.
double wait_until_caught_up(const load::Target& target) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  while (Clock::now() - start < std::chrono::minutes(5)) {
    const auto lag = fold_lag(load::fetch(target, "/metrics"));
    if (!lag) throw std::runtime_error("bench: /metrics does not say market_fold_lag_events");
    if (*lag == 0) return std::chrono::duration<double>(Clock::now() - start).count();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // Each look costs the server CPU time.
  }
  throw std::runtime_error("bench: the records did not catch up within 5 minutes");
}

/// What was measured besides the answers.
struct Cost {
  double server_cpu = 0, server_cpu_caught_up = 0, generator_cpu = 0, catch_up_seconds = 0;
  std::uint64_t resident_bytes = 0;
};

std::uint64_t count_of(const load::Tally& tally, int status, std::string_view code) {
  std::uint64_t sum = 0;
  for (const auto& outcome : tally.outcomes)
    if (outcome.status == status && outcome.code == code) sum += outcome.count;
  return sum;
}

double milliseconds(load::Histogram::Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

constexpr double shares[] = {0.5, 0.9, 0.99, 0.999};

void print_latency(const char* title, const load::Histogram& histogram) {
  if (histogram.count() == 0) return;
  fmt::print("{:<12} ms  mean {:.3f}", title, milliseconds(histogram.mean()));
  for (const double share : shares)
    fmt::print("  p{:g} {:.3f}", share * 100, milliseconds(histogram.percentile(share)));
  fmt::print("  max {:.3f}\n", milliseconds(histogram.max()));
}

void print(const Options& options, const load::Tally& tally, const Cost& cost) {
  const double seconds = std::chrono::duration<double>(tally.elapsed).count();
  const double answered = static_cast<double>(tally.answered());
  fmt::print(
      "bench: mode {}, {} connections, {}\n", options.mode, options.connections,
      options.rate > 0 ? fmt::format("open loop at {:g}/s", options.rate) : std::string("closed loop"));
  fmt::print("answered     {} in {:.3f} s: {:.0f}/s\n", tally.answered(), seconds,
             seconds > 0 ? answered / seconds : 0);
  fmt::print("accepted     {}\n", count_of(tally, 201, ""));
  fmt::print("sold out     {}\n", count_of(tally, 409, "sold_out"));
  for (const auto& outcome : tally.outcomes)
    if (outcome.status >= 300 && !(outcome.status == 409 && outcome.code == "sold_out"))
      fmt::print("refused      {} {}: {}\n", outcome.status, outcome.code, outcome.count);
    else if (outcome.status < 300 && outcome.status != 201)
      fmt::print("status {}   {}\n", outcome.status, outcome.count);
  fmt::print(
      "errors       {} (connections lost {}, broken answers {}, unanswered {}, unsent {}); connects failed "
      "{}\n",
      tally.errors(), tally.connections_lost, tally.broken_answers, tally.unanswered, tally.unsent,
      tally.connect_failures);
  print_latency("latency 2xx", tally.successes);
  print_latency("latency else", tally.refusals);
  if (!options.server_pids.empty()) {
    fmt::print("server CPU   {:.2f} s: {:.0f} answers per CPU second; resident {:.1f} MiB\n", cost.server_cpu,
               cost.server_cpu > 0 ? answered / cost.server_cpu : 0,
               static_cast<double>(cost.resident_bytes) / 1048576);
    if (options.until_caught_up)
      fmt::print("caught up    {:.3f} s later, server CPU {:.2f} s: {:.0f} answers per CPU second\n",
                 cost.catch_up_seconds, cost.server_cpu_caught_up,
                 cost.server_cpu_caught_up > 0 ? answered / cost.server_cpu_caught_up : 0);
  }
  fmt::print("generator    {:.2f} CPU s\n", cost.generator_cpu);
}

boost::json::object latency_object(const load::Histogram& histogram) {
  boost::json::object object{{"count", histogram.count()}, {"mean", milliseconds(histogram.mean())}};
  for (const double share : shares)
    object[fmt::format("p{:g}", share * 100)] = milliseconds(histogram.percentile(share));
  object["max"] = milliseconds(histogram.max());
  return object;
}

void write_json(const Options& options, const load::Tally& tally, const Cost& cost) {
  boost::json::array outcomes;
  for (const auto& outcome : tally.outcomes)
    outcomes.push_back({{"status", outcome.status}, {"code", outcome.code}, {"count", outcome.count}});
  const boost::json::object object{
      {"mode", options.mode},
      {"connections", options.connections},
      {"rate", options.rate},
      {"seconds", std::chrono::duration<double>(tally.elapsed).count()},
      {"answered", tally.answered()},
      {"accepted", count_of(tally, 201, "")},
      {"soldOut", count_of(tally, 409, "sold_out")},
      {"outcomes", std::move(outcomes)},
      {"errors", tally.errors()},
      {"connectionsLost", tally.connections_lost},
      {"brokenAnswers", tally.broken_answers},
      {"unanswered", tally.unanswered},
      {"unsent", tally.unsent},
      {"connectFailures", tally.connect_failures},
      {"latencyMs",
       {{"accepted", latency_object(tally.successes)}, {"refused", latency_object(tally.refusals)}}},
      {"serverCpuSeconds", cost.server_cpu},
      {"serverCpuSecondsCaughtUp", cost.server_cpu_caught_up},
      {"catchUpSeconds", cost.catch_up_seconds},
      {"serverResidentBytes", cost.resident_bytes},
      {"generatorCpuSeconds", cost.generator_cpu}};
  const std::string text = boost::json::serialize(object) + "\n";
  if (options.json == "-") {
    fmt::print("{}", text);
    return;
  }
  std::ofstream file(options.json);
  file << text;
  if (!file.flush()) throw std::runtime_error(fmt::format("bench: cannot write '{}'", options.json));
}

/// Many connections need many descriptors: the soft limit is raised to the hard one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int measure(const Options& options, bool duration_given) {
  const auto target = load::resolve(
      options.url.empty() ? "http://" + read_settings(options.sources).text("http.listen") : options.url);
  const auto requests = requests_of(options, target);
  load::LoadPlan plan;
  plan.connections = options.connections;
  plan.threads = std::min(options.threads, options.connections);
  plan.rate = options.rate;
  plan.requests = options.requests;
  if (options.requests == 0 || duration_given) plan.duration = duration_of("duration", options.duration);
  if (options.requests == 0 && plan.duration.count() <= 0)
    throw UsageError("bench: --duration must be more than 0 where --requests says no number");
  plan.drain = duration_of("drain", options.drain);
  raise_descriptor_limit();

  Cost cost;
  const auto before = load::usage_of(options.server_pids);
  const double own_before = load::own_cpu_seconds();
  const auto tally = load::generate(target, plan, requests);
  const auto after = load::usage_of(options.server_pids);
  cost.generator_cpu = load::own_cpu_seconds() - own_before;
  cost.server_cpu = after.cpu_seconds - before.cpu_seconds;
  cost.resident_bytes = after.resident_bytes;
  if (options.until_caught_up) {
    cost.catch_up_seconds = wait_until_caught_up(target);
    cost.server_cpu_caught_up = load::usage_of(options.server_pids).cpu_seconds - before.cpu_seconds;
  }
  if (options.json != "-") print(options, tally, cost);
  if (!options.json.empty()) write_json(options, tally, cost);
  return tally.errors() == 0 ? 0 : 1;
}

}  // namespace

int run_bench(int argc, char** argv) {
  CLI::App app(
      "Load generator: many distinct users, open or closed loop, latencies from the scheduled moment",
      "market bench");
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    throw UsageError(fmt::format("bench: {} (see 'market bench --help')", error.what()));
  }
  return measure(options, app.count("--duration") > 0);
}

}  // namespace market::apps
