#pragma once
/// ports/mailer.hpp for a platform without a mail server: appends each mail to a file that only its owner
/// reads.

#include <functional>
#include <string>

#include "base/task.hpp"
#include "ports/mailer.hpp"

namespace market::mail {

class FileMailer final : public Mailer {
 public:
  static constexpr int waiting_max_default = 1'000;
  /// `warn` gets one line, without personal data, about each mail that is not sent; from any thread.
  FileMailer(std::string path, std::function<void(const std::string&)> warn,
             int waiting_max = waiting_max_default)
      : path_(std::move(path)), warn_(std::move(warn)), waiting_max_(waiting_max) {}
  ~FileMailer() override { stop(); }
  Result<> send(std::string to, std::string subject, std::string text) override;
  /// When what waits has been sent.
  void stop() { thread_.join(); }

 private:
  void append(const std::string& mail);
  const std::string path_;
  const std::function<void(const std::string&)> warn_;
  const int waiting_max_;
  std::atomic<int> waiting_{0};
  asio::thread_pool thread_{1};  ///< One mail at a time.
};

}  // namespace market::mail
