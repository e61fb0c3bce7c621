#pragma once
/// ports/mailer.hpp for a platform without a mail server: appends each mail to a file that only its owner
/// reads.

#include <mutex>
#include <string>

#include "ports/mailer.hpp"

namespace market::mail {

class FileMailer final : public Mailer {
 public:
  FileMailer(std::string path, BlockingPool& pool) : path_(std::move(path)), pool_(pool) {}
  Task<> send(std::string to, std::string subject, std::string text) override;

 private:
  Result<> append(const std::string& mail);
  const std::string path_;
  BlockingPool& pool_;
  std::mutex mutex_;  ///< One mail at a time; on the pool's threads only.
};

}  // namespace market::mail
