#include "apps/roles/log_output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/support/temp_folder.hpp"

namespace market::apps {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::string everything_in(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A pipe whose reading end nobody reads until we do.
struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0); }
  ~Pipe() {
    for (const int fd : fds) ::close(fd);
  }
  std::string read_all() const {
    ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    std::string all;
    char piece[4096];
    for (int quiet = 0; quiet < 5;) {
      const auto count = ::read(fds[0], piece, sizeof piece);
      if (count > 0) {
        all.append(piece, static_cast<std::size_t>(count));
        quiet = 0;  // Who writes needs a moment to fill the pipe again.
      } else {
        ++quiet;
        ::usleep(50'000);
      }
    }
    return all;
  }
  /// Also of a thread that the machine lets wait.
  std::string read_until(const std::string& words) const {
    std::string all;
    for (int i = 0; i < 20 && all.find(words) == std::string::npos; ++i) all += read_all();
    return all;
  }
  int fds[2];
};

TEST(LogOutputTest, APipeThatNobodyReadsStopsNeitherLinesNorTheEnd) {
  const Pipe pipe;
  const auto began = SteadyClock::now();
  LogOutput::Counts counts;
  {
    const auto output = std::make_shared<LogOutput>(pipe.fds[1]);
    spdlog::logger log("market", output);
    const std::string filling(1'000, 'x');
    const auto word = [](int i) {
      return std::string(1, static_cast<char>('a' + i % 26)) + static_cast<char>('a' + i / 26 % 26);
    };
    for (int i = 0; i < 5'000; ++i) log.info("{} {}", word(i / 16), filling);
    counts = output->counts();
    EXPECT_EQ(::fcntl(pipe.fds[1], F_GETFL) & O_NONBLOCK, 0) << "the mode is shared with other processes";
  }
  EXPECT_LT(SteadyClock::now() - began, std::chrono::seconds(3));
  EXPECT_GT(counts.lost + counts.repeated, 2'000u);
}

TEST(LogOutputTest, TheNextLineSaysHowManyWereLost) {
  const Pipe pipe;
  const auto output = std::make_shared<LogOutput>(pipe.fds[1]);
  spdlog::logger log("market", output);
  const std::string filling(100'000, 'x');
  for (int i = 0; i < 26; ++i)
    for (int j = 0; j < 4; ++j) log.info("{} {}", static_cast<char>('a' + i), filling);
  auto text = pipe.read_all();  // What waits may be written by now, behind what was lost before it.
  log.info("the reader is back");
  text += pipe.read_until("the reader is back");
  const auto lost = output->counts().lost;
  ASSERT_GT(lost, 0u);
  // Lines that wait are lost behind the calls: what is said may be less than what is lost in the end.
  std::smatch said;
  ASSERT_TRUE(std::regex_search(text, said, std::regex("([0-9]+) log lines could not be written"))) << text;
  EXPECT_GT(std::stoull(said[1]), 0u);
  EXPECT_LE(std::stoull(said[1]), lost);
  EXPECT_NE(text.find("the reader is back"), std::string::npos);
}

TEST(LogOutputTest, LinesThatDifferInNumbersAloneAreLimited) {
  const tests::TempFolder folder;
  const std::string path = folder / "log";
  {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const auto output = std::make_shared<LogOutput>(fd);
    spdlog::logger log("market", output);
    for (int i = 0; i < 1'000; ++i) log.warn("trace {:016x}1: it failed {} times", i, i);
    log.warn("something else failed");
    EXPECT_EQ(output->counts().repeated, 1'000u - LogOutput::repeats_max);
    EXPECT_EQ(output->counts().lost, 0u);
    log.sinks().clear();
  }
  const auto text = everything_in(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), LogOutput::repeats_max + 1) << text;
  EXPECT_NE(text.find("something else failed"), std::string::npos);
}

/// What a registry or a database says may stand in it.
TEST(LogOutputTest, WhatIsSaidIsOneLine) {
  const tests::TempFolder folder;
  const std::string path = folder / "log";
  {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    spdlog::logger log("market", std::make_shared<LogOutput>(fd));
    log.warn("{} of SHOP is ignored: \xEC\x84\x9C\xEC\x9A\xB8",
             "b\r\n2026-11-29 error \x1b[2Jthe log is damaged");
  }
  const auto text = everything_in(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(text.find_first_of("\r\x1b"), std::string::npos) << text;
  EXPECT_NE(text.find("b\\x0d\\x0a2026-11-29 error \\x1b[2Jthe log is damaged of SHOP"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\xEC\x84\x9C\xEC\x9A\xB8\n"), std::string::npos) << text;
}

TEST(LogOutputTest, AFullDiskIsCounted) {
  const int fd = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const auto output = std::make_shared<LogOutput>(fd);
  spdlog::logger log("market", output);
  log.info("one line");
  for (int i = 0; i < 100 && output->counts().lost == 0; ++i) ::usleep(10'000);
  EXPECT_EQ(output->counts().lost, 1u);
  ::close(fd);
}

}  // namespace
}  // namespace market::apps
