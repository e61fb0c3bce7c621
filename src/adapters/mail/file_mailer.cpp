#include "adapters/mail/file_mailer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace market::mail {

Result<> FileMailer::append(const std::string& mail) {
  const std::scoped_lock lock(mutex_);
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool written = fd >= 0 && ::write(fd, mail.data(), mail.size()) == static_cast<ssize_t>(mail.size());
  if (fd >= 0) ::close(fd);
  if (!written) return fail(Code::unavailable, "the mail cannot be written");
  return {};
}

Task<> FileMailer::send(std::string to, std::string subject, std::string text) {
  return pool_.run([this, mail = fmt::format("To: {}\nSubject: {}\n\n{}\n\n", to, subject, text)] {
    return append(mail);
  });
}

}  // namespace market::mail
