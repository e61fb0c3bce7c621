#pragma once
/// What every role of `market serve` needs to start and to stop.

#include <spdlog/common.h>
#include <csignal>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "adapters/kafka/event_topic.hpp"
#include "adapters/kafka/log.hpp"
#include "adapters/mail/smtp_transport.hpp"
#include "adapters/mysql/session.hpp"
#include "apps/commands/commands.hpp"
#include "apps/settings/settings.hpp"
#include "base/failpoint.hpp"
#include "http/server/server.hpp"
#include "services/platform/metrics_text.hpp"

namespace market::apps {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

/// As in a URL: an IPv6 host in brackets.
/// A secret of the environment: NAME, or the content of the file that NAME_FILE names, relative to
/// systemd's folder of credentials where there is one. Empty: neither. Throws UsageError.
std::string secret_of(const std::string& name);
/// A file's content without its last newline; nobody but its owner may read it. Throws UsageError.
std::string secret_in_file(std::string_view named_by, const std::string& path);

/// `HOST:PORT`, an IPv6 host in brackets; nullopt for anything else.
std::optional<Address> read_address(std::string_view text);
/// The same. Throws UsageError that begins with `name`, the setting or flag.
Address parse_address(std::string_view name, const std::string& text);
/// Where to listen: --listen, else http.listen. Throws UsageError.
Address listen_address(const ServeOptions& options, const Settings& settings);

/// Whether the log or the ordinary rows are on engines, and the data folder is that of an instance.
bool is_shared(const Settings& settings);
/// Throws UsageError: the folder is that of such an instance, and the settings name no engines.
void expect_no_instance(const std::string& data);

/// File, environment and assignments, the last wins. Throws UsageError.
Settings read_settings(const SettingSources& sources);

/// Throws UsageError.
spdlog::level::level_enum log_level_of(const Settings& settings);
/// Logs go to standard error, so that standard output has the ready line alone; see log_output.hpp. Lives
/// longer than whatever may log.
class Logging {
 public:
  /// Throws UsageError.
  explicit Logging(const Settings& settings);
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;
};
/// Log lines that were left out.
void add_log_metrics(platform::MetricsText& metrics);

unsigned thread_count(std::int64_t wanted, unsigned fallback);

http::Limits limits_of(const Settings& settings);

/// What /info says of this process. `number`: one more member.
std::string info_text(std::string_view role,
                      std::optional<std::pair<std::string_view, std::int64_t>> number = {});

/// orders.failpoint. Throws UsageError.
Failpoint failpoint_of(const Settings& settings);

/// keys.folder, else keys/ in the data folder.
std::filesystem::path keys_folder(const Settings& settings, const std::string& data);

/// The database that `<part>.mysql` and its like name, for the parts `records` and `accounts`; none: a file.
/// Throws UsageError.
std::optional<mysql::Server> mysql_server(const Settings& settings, const std::string& part);
/// The mail server as mail.* says; none: there is none. Throws UsageError.
std::optional<mail::SmtpSettings> smtp_settings(const Settings& settings);
std::unique_ptr<mail::SmtpTransport> smtp_of(const Settings& settings);
/// The log on Kafka as log.kafka and its like say. Throws UsageError.
kafka::LogSettings kafka_settings(const Settings& settings);
/// None: no public events are published. Throws UsageError.
std::optional<kafka::EventTopicSettings> event_topic_settings(const Settings& settings);
/// The parts of a setting written with commas.
std::vector<std::string> comma_separated(const std::string& text);
/// Throws UsageError.
std::vector<http::Network> networks_of(const Settings& settings, std::string_view key);
/// The ready line, to standard output; a reader who does not read holds up nothing.
void announce(const std::string& line);

/// Answers by route and status, times, open connections; log lines that were left out.
void add_http_metrics(const http::Server& server, platform::MetricsText& metrics);
class AccessLogWriter;
/// Requests that the access log or the collector of spans did not get.
void add_access_log_metrics(const AccessLogWriter& access_log, platform::MetricsText& metrics);

/// SIGTERM and SIGINT end the server; every other thread has them blocked.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  void watch(std::function<void()> stop) {
    thread_ = std::thread([this, stop = std::move(stop)] {
      int signal = 0;
      sigwait(&signals_, &signal);
      if (!ended_.load()) stop();
    });
  }
  /// When the server has ended: nobody is told to stop any more.
  void end() {
    ended_.store(true);
    if (!thread_.joinable()) return;
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
  }
  ~StopSignals() { end(); }

 private:
  sigset_t signals_{};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

/// SIGHUP: settings or keys are read again. Made before any thread, so that all of them have it blocked.
class ReloadSignal {
 public:
  ReloadSignal() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGHUP, SIG_DFL);  // Under nohup it is ignored, and would never be waited for.
  }
  void watch(std::function<void()> reload) {
    thread_ = std::thread([this, reload = std::move(reload)] {
      for (;;) {
        int signal = 0;
        sigwait(&signals_, &signal);
        if (ended_.load()) return;
        reload();
      }
    });
  }
  ~ReloadSignal() { end(); }
  /// Before what reload() works on is gone.
  void end() {
    ended_.store(true);
    if (!thread_.joinable()) return;
    pthread_kill(thread_.native_handle(), SIGHUP);
    thread_.join();
  }

 private:
  sigset_t signals_{};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace market::apps
