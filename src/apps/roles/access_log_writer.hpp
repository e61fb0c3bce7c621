#pragma once
/// A role's access log (one JSON line per request) and its spans (OTLP over HTTP, as JSON). Both leave on a
/// thread of their own; a bounded queue drops what it cannot take, and counts it.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apps/roles/line_output.hpp"
#include "apps/settings/settings.hpp"
#include "http/client/client.hpp"
#include "http/server/access_log.hpp"
#include "http/server/owned_fd.hpp"

namespace market::apps {

/// Where spans are posted to.
struct Collector {
  http::BaseUrl base;  ///< No host: no spans.
  std::string path;    ///< Below the base.
};
/// `spans_url`: http://HOST:PORT/PATH or empty. Throws UsageError.
Collector collector_of(const std::string& spans_url);

class AccessLogWriter final : public http::AccessLog {
 public:
  /// `service`: who it is, for the collector. Throws UsageError.
  AccessLogWriter(const Settings& settings, std::string service);
  ~AccessLogWriter() override;

  bool is_on() const override { return output_ != nullptr || !collector_.base.host.empty(); }
  bool wants(bool sampled) const override {
    return output_ != nullptr || (sampled && !collector_.base.host.empty());
  }
  double sampled_share() const override { return sampled_share_; }
  void take(const http::RequestRecord& record) override;
  std::uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr std::size_t queue_max = 16'384;
  void run();
  void write_log(const std::vector<http::RequestRecord>& batch);
  void send_spans(const std::vector<http::RequestRecord>& batch);

  const std::string service_;
  double sampled_share_ = 0;
  http::OwnedFd file_;                  ///< None: the output is standard error.
  std::unique_ptr<LineOutput> output_;  ///< Null: no access log.
  bool broken_line_ = false;            ///< The last one was cut: the next begins on a line of its own.
  const Collector collector_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<http::RequestRecord> queue_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace market::apps
