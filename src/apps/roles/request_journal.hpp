#pragma once
/// A role's access log (one JSON line per request) and its spans (OTLP over HTTP, as JSON). Both leave on a
/// thread of their own; a bounded queue drops what it cannot take, and counts it.

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "apps/settings/settings.hpp"
#include "http/client/client.hpp"
#include "http/server/access_log.hpp"

namespace market::apps {

/// Where spans are posted to.
struct Collector {
  http::BaseUrl base;  ///< No host: no spans.
  std::string path;    ///< Below the base.
};
/// `spans_url`: http://HOST:PORT/PATH or empty. Throws UsageError.
Collector collector_of(const std::string& spans_url);

class RequestJournal final : public http::Journal {
 public:
  /// `service`: who it is, for the collector. Throws UsageError.
  RequestJournal(const Settings& settings, std::string service);
  ~RequestJournal() override;

  bool is_on() const override { return file_ != nullptr || !collector_.base.host.empty(); }
  bool wants(bool sampled) const override {
    return file_ != nullptr || (sampled && !collector_.base.host.empty());
  }
  double sampled_share() const override { return sampled_share_; }
  void take(const http::Answered& answered) override;
  std::uint64_t dropped() const { return dropped_.load(); }

 private:
  static constexpr std::size_t queue_max = 16'384;
  void run();
  void write_log(const std::vector<http::Answered>& batch);
  void send_spans(const std::vector<http::Answered>& batch);

  const std::string service_;
  double sampled_share_ = 0;
  std::FILE* file_ = nullptr;
  const Collector collector_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<http::Answered> queue_;
  bool stopped_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace market::apps
