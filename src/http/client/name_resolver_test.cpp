#include "http/client/name_resolver.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

namespace market::http {
namespace {

const asio::ip::tcp::endpoint there(asio::ip::make_address("10.0.0.1"), 80);

/// A name server that answers `quick` alone until it is let go.
struct Silent {
  std::promise<void> let_go;
  std::shared_future<void> gone{let_go.get_future()};
  NameResolver::Lookup lookup() {
    return [this](const std::string& host, const std::string&) {
      if (host != "quick") gone.wait();
      return NameResolver::Answer{{}, {there}};
    };
  }
};

NameResolver::Answer ask(NameResolver& resolver, const std::string& host, Millis deadline) {
  asio::io_context io;
  auto answer = asio::co_spawn(io, resolver.resolve(host, "80", deadline), asio::use_future);
  io.run();
  return answer.get();
}

TEST(NameResolver, answers) {
  NameResolver resolver(1, [](const std::string& host, const std::string& port) {
    EXPECT_EQ(host + ":" + port, "a:80");
    return NameResolver::Answer{{}, {there}};
  });
  const auto found = ask(resolver, "a", Millis(10'000));
  EXPECT_FALSE(found.error);
  EXPECT_EQ(found.endpoints, std::vector{there});
}

TEST(NameResolver, gives_up_in_time_and_goes_on_with_other_names) {
  Silent server;
  NameResolver resolver(2, server.lookup());
  EXPECT_EQ(ask(resolver, "silent", Millis(20)).error, asio::error::timed_out);
  EXPECT_FALSE(ask(resolver, "quick", Millis(10'000)).error) << "on the other thread";
  EXPECT_EQ(ask(resolver, "silent", Millis(20)).error, asio::error::timed_out);
  EXPECT_EQ(ask(resolver, "quick", Millis(20)).error, asio::error::timed_out) << "both threads are busy";
  server.let_go.set_value();
}

TEST(NameResolver, a_context_that_ends_waits_for_nobody) {
  Silent server;
  NameResolver resolver(1, server.lookup());
  bool told = false;
  {
    asio::io_context io;
    resolver.resolve(io.get_executor(), "silent", "80", Millis(60'000), [&](const auto&) { told = true; });
    io.poll();
  }
  server.let_go.set_value();
  EXPECT_FALSE(ask(resolver, "quick", Millis(10'000)).error);
  EXPECT_FALSE(told);
}

TEST(NameResolver, bounds_what_waits) {
  Silent server;
  NameResolver resolver(1, server.lookup());
  asio::io_context io;
  std::size_t refused = 0;
  for (int i = 0; i < 300; ++i)
    resolver.resolve(io.get_executor(), "silent", "80", Millis(60'000),
                     [&](const NameResolver::Answer& answer) {
                       refused += answer.error == asio::error::try_again ? 1u : 0u;
                     });
  io.poll();
  EXPECT_GE(refused, 43u);
  EXPECT_LE(refused, 44u);
  server.let_go.set_value();
}

TEST(NameResolver, the_shared_one_reads_literal_addresses) {
  const auto found = ask(NameResolver::shared(), "127.0.0.1", Millis(10'000));
  ASSERT_EQ(found.endpoints.size(), 1u);
  EXPECT_TRUE(found.endpoints[0].address().is_loopback());
}

}  // namespace
}  // namespace market::http
