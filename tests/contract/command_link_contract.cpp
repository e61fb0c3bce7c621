/// ports/command_link.hpp: what every link must keep.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "adapters/remote/tcp_command_link.hpp"
#include "tests/support/memory_link.hpp"

namespace market::contract {
namespace {

class CommandLinkContract : public testing::TestWithParam<std::string> {
 protected:
  ~CommandLinkContract() override {
    one_->stop();
    other_->stop();
  }
  std::unique_ptr<CommandLink> make(const std::string& name) {
    if (GetParam() == "memory") return std::make_unique<tests::MemoryLink>(net_, name);
    return std::make_unique<remote::TcpCommandLink>(remote::TcpCommandLinkSettings{});
  }
  void note(std::vector<std::string>& where, const std::string& what) {
    {
      const std::scoped_lock lock(mutex_);
      where.push_back(what);
    }
    changed_.notify_all();
  }
  bool wait(const std::function<bool()>& happens) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5), happens);
  }
  void start() {
    one_->start([](const std::string&, const CommandLink::Reply&) {},
                [this](const std::string& answer) { note(answered_, answer); });
    other_->start(
        [this](std::string message, const CommandLink::Reply& reply) {
          note(came_, message);
          reply("re: " + message);
        },
        [](const std::string&) {});
  }

  tests::LinkNet net_;
  std::unique_ptr<CommandLink> one_ = make("one"), other_ = make("other");
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> came_, answered_;
};

TEST_P(CommandLinkContract, CarriesMessagesToAnAddressAndAnswersBack) {
  start();
  EXPECT_NE(one_->address(), other_->address());
  for (int i = 0; i < 50; ++i) one_->send(other_->address(), std::to_string(i));
  ASSERT_TRUE(wait([&] { return answered_.size() == 50; }));
  EXPECT_EQ(came_.front(), "0");
  EXPECT_EQ(answered_.back(), "re: 49");
}

TEST_P(CommandLinkContract, SendingToNobodyIsNoError) {
  start();
  one_->send("127.0.0.1:1", "hello");
  one_->send(other_->address(), "hello");
  EXPECT_TRUE(wait([&] { return answered_.size() == 1; }));
}

TEST_P(CommandLinkContract, NothingComesBehindTheEnd) {
  start();
  one_->send(other_->address(), "hello");
  ASSERT_TRUE(wait([&] { return answered_.size() == 1; }));
  other_->stop();
  one_->send(other_->address(), "are you there?");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::scoped_lock lock(mutex_);
  EXPECT_EQ(came_.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Links, CommandLinkContract, testing::Values("memory", "door"),
                         [](const testing::TestParamInfo<std::string>& info) { return info.param; });

}  // namespace
}  // namespace market::contract
