#pragma once
/// Runs a Task to its end on this thread; and a folder of a test's own.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/task.hpp"

namespace market::contract {

/// Contexts outlive every pool of a test: a pool's thread may still be inside its post() when the answer is
/// there.
class Contexts {
 public:
  std::unique_ptr<asio::io_context> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return std::make_unique<asio::io_context>();
    auto one = std::move(free_.back());
    free_.pop_back();
    one->restart();
    return one;
  }
  void give_back(std::unique_ptr<asio::io_context> one) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(one));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<asio::io_context>> free_;
};

template <class T>
Result<T> run(Task<T> task) {
  static Contexts contexts;
  auto io = contexts.take();
  auto answer = asio::co_spawn(*io, std::move(task), asio::use_future);
  io->run();
  contexts.give_back(std::move(io));
  return answer.get();
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "market-contract-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace market::contract
