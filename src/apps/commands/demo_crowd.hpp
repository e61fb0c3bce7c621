#pragma once
/// A drop with a crowd of simulated buyers, so that a visitor sees a sale happen: `market demo`. It is no
/// load test (that is `market bench`): it is as large as people can follow, and ends by itself.
///
///   Crowd crowd(*http::parse_base_url("http://127.0.0.1:8080"), {});
///   crowd.announce({"admin@demo.example", …});  crowd.come();   // Both block; they throw
///   std::runtime_error.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/task_group.hpp"
#include "base/time.hpp"
#include "http/client/client.hpp"

namespace market::apps {

struct CrowdPlan {
  std::int64_t buyers = 400, units = 150;
  Millis opens_in{15'000};
};

struct Credentials {
  std::string email, password;
};

class Crowd {
 public:
  Crowd(http::BaseUrl shop, const CrowdPlan& plan, const Clock& clock);

  /// Makes the accounts of the crowd and the drop: the id of the product.
  std::string announce(const Credentials& operator_account);
  /// Everybody comes, buys or is refused, pays or not. Prints what has happened every two seconds.
  void come();
  /// How often each end came about: `sold_out`, `paid` …
  const std::map<std::string, int>& ends() const { return ends_; }
  Instant opens_at() const { return opens_at_; }

 private:
  struct Call {
    http::Method method = http::Method::post;
    std::string path, token, key, body;
    std::string_view type = "application/json";
  };
  struct Answer {
    int status = 0;
    boost::json::value body;
    /// A text member; empty when there is none.
    std::string text(std::string_view name) const;
  };
  /// Asks again while the shop is busy or away, at most a minute; two seconds where none was met.
  asio::awaitable<Answer> call(Call what);
  asio::awaitable<void> pause(Millis time);
  asio::awaitable<void> announce_drop(Credentials account);
  asio::awaitable<void> make_accounts();
  asio::awaitable<void> buyer(std::int64_t number, Millis arrival, double wish);
  asio::awaitable<void> say_what_happens();
  asio::awaitable<std::string> sign_in(Credentials account);
  void run_all(const std::string& what);

  const CrowdPlan plan_;
  const Clock& clock_;
  const std::string run_;  ///< Different in each run.
  asio::io_context io_{1};
  TaskGroup tasks_{"a simulated buyer"};
  http::Client shop_;
  std::mt19937_64 random_;
  std::vector<std::string> tokens_;
  std::int64_t next_account_ = 0, accounts_ = 0, still_here_ = 0;
  std::map<std::string, int> ends_;
  std::string product_, failure_;
  Instant opens_at_{};
  bool met_ = false;  ///< The shop has answered once.
};

}  // namespace market::apps
