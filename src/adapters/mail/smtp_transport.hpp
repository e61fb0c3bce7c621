#pragma once
/// ports/mail_transport.hpp over SMTP with libcurl: STARTTLS or TLS from the start, a name and a password,
/// one connection that is kept. What a header says is encoded here: no text of a user's begins a line of its
/// own.

#include <atomic>
#include <memory>

#include "ports/mail_transport.hpp"

namespace market::mail {

enum class SmtpTls : std::uint8_t { required, off };

struct SmtpSettings {
  std::string url;         ///< smtp://HOST:PORT, or smtps://HOST:PORT.
  std::string from;        ///< `shop@example.com`, or `Shop <shop@example.com>`.
  std::string credential;  ///< user:password; empty: the server asks for none.
  std::string ca_file;     ///< PEM; empty: what the system trusts.
  SmtpTls tls = SmtpTls::required;
  Millis connect_time_max{10'000}, send_time_max{30'000};
};

/// What is wrong with these; empty: nothing.
std::string trouble_with(const SmtpSettings& settings);
/// The address in `Name <address>`, or the text itself.
std::string address_in(const std::string& from);
/// A header's text in words of RFC 2047, when it is not plain and short.
std::string encoded_header(std::string_view text);

class SmtpTransport final : public MailTransport {
 public:
  /// Throws std::runtime_error with one line.
  explicit SmtpTransport(SmtpSettings settings);
  ~SmtpTransport() override;
  MailAnswer deliver(const MailToSend& mail) override;
  void stop() override { stopped_.store(true); }

 private:
  struct Connection;
  const SmtpSettings settings_;
  std::atomic<bool> stopped_{false};
  std::unique_ptr<Connection> connection_;
};

}  // namespace market::mail
