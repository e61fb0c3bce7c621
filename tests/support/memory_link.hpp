#pragma once
/// Links between instances in one process (ports/command_link.hpp), with a net below that loses, repeats and
/// delays messages as a seed says.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "base/time.hpp"
#include "ports/command_link.hpp"

namespace market::tests {

class MemoryLink;

class LinkNet {
 public:
  struct Faults {
    unsigned lost = 0, twice = 0, late = 0;  ///< Of 100 messages.
    Millis late_max{60};
  };
  void set(Faults faults) {
    const std::scoped_lock lock(mutex_);
    faults_ = faults;
  }
  unsigned random() {
    random_ ^= random_ << 13, random_ ^= random_ >> 7, random_ ^= random_ << 17;
    return static_cast<unsigned>(random_ >> 11);
  }
  void join(const std::string& address, MemoryLink* link) {
    const std::scoped_lock lock(mutex_);
    links_[address] = link;
  }
  void leave(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    links_.erase(address);
  }
  /// Calls `deliver(delay)` for each copy that arrives.
  template <class Deliver>
  void carry(Deliver deliver) {
    Faults faults;
    unsigned drawn[4];
    {
      const std::scoped_lock lock(mutex_);
      faults = faults_;
      for (unsigned& each : drawn) each = random();
    }
    if (drawn[0] % 100 < faults.lost) return;
    const auto delay = [&](unsigned draw) {
      return draw % 100 < faults.late
                 ? Millis(static_cast<std::int64_t>(draw / 100) % (faults.late_max.count() + 1))
                 : Millis(0);
    };
    deliver(delay(drawn[1]));
    if (drawn[2] % 100 < faults.twice) deliver(delay(drawn[3]) + Millis(1));
  }
  template <class Use>
  void with(const std::string& address, Use use) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = links_.find(address); found != links_.end()) use(*found->second);
  }

 private:
  std::recursive_mutex mutex_;
  Faults faults_;
  std::uint64_t random_ = 88172645463325252ull;
  std::map<std::string, MemoryLink*> links_;
};

class MemoryLink final : public CommandLink {
 public:
  MemoryLink(LinkNet& net, std::string address)
      : net_(net), address_(std::move(address)), work_(boost::asio::make_work_guard(io_)) {}
  ~MemoryLink() override { stop(); }

  std::string address() const override { return address_; }
  void send(const std::string& address, std::string message) override {
    const std::string from = address_;
    net_.carry([&](Millis delay) {
      net_.with(address, [&](MemoryLink& there) {
        there.after(delay, [&there, from, message, &net = net_] {
          if (there.stopped_) return;
          there.on_command_(message, [from, &net](std::string answer) {
            net.carry([&](Millis delay_back) {
              net.with(from, [&](MemoryLink& back) {
                back.after(delay_back, [&back, answer] {
                  if (!back.stopped_) back.on_answer_(answer);
                });
              });
            });
          });
        });
      });
    });
  }
  void start(Receive on_command, std::function<void(std::string)> on_answer) override {
    on_command_ = std::move(on_command);
    on_answer_ = std::move(on_answer);
    net_.join(address_, this);
    thread_ = std::thread([this] { io_.run(); });
  }
  void stop() override {
    net_.leave(address_);
    stopped_ = true;
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  boost::asio::any_io_executor executor() override { return io_.get_executor(); }

 private:
  void after(Millis delay, std::function<void()> what) {
    auto timer = std::make_shared<boost::asio::steady_timer>(io_, delay);
    timer->async_wait([timer, what = std::move(what)](boost::system::error_code error) {
      if (!error) what();
    });
  }

  LinkNet& net_;
  const std::string address_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  Receive on_command_;
  std::function<void(std::string)> on_answer_;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace market::tests
