#include "adapters/mail/file_mailer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

namespace market::mail {

void FileMailer::append(const std::string& mail) {
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, mail.data(), mail.size()) == static_cast<ssize_t>(mail.size());
  if (!written) warn_(fmt::format("a mail cannot be written: {}", std::strerror(errno)));
  if (fd >= 0) ::close(fd);
}

Result<> FileMailer::send(std::string to, std::string subject, std::string text) {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    warn_("too many mails are waiting; one is not sent");
    return fail(Code::overloaded, "too many mails are waiting");
  }
  asio::post(thread_, [this, mail = fmt::format("To: {}\nSubject: {}\n\n{}\n\n", to, subject, text)] {
    append(mail);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  });
  return {};
}

}  // namespace market::mail
