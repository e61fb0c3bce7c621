#include "adapters/mail/smtp_transport.hpp"

#include <curl/curl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace market::mail {
namespace {

struct EndList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, EndList>;

void add_line(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F;
}

/// An address as SMTP's commands take it: nothing that ends the command or the address.
bool is_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at == text.rfind('@') && at > 0 && at + 1 < text.size() &&
         text.size() <= 254 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_plain(c) && c != ' ' && c != '<' && c != '>' && c != '"' && c != ',';
         });
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '\0');
  std::vector<unsigned char> out(text.size() + 1);  // With the NUL that OpenSSL adds.
  EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  std::copy_n(out.begin(), text.size(), text.begin());
  return text;
}

/// `From` with its name encoded.
std::string from_header(const std::string& from) {
  const auto open = from.find('<');
  if (open == std::string::npos) return from;
  std::string name = from.substr(0, open);
  while (name.ends_with(' ')) name.pop_back();
  return fmt::format("{} <{}>", encoded_header(name), address_in(from));
}

std::string date_of(Instant at) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

/// The whole mail: its text in base64 has no line that SMTP or a header could take for something else.
std::string message_of(const MailToSend& mail, const std::string& from, std::string_view domain) {
  constexpr std::size_t line_bytes = 57;  // Bytes of 76 letters.
  std::string message = fmt::format(
      "From: {}\r\nTo: <{}>\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{}>\r\n"
      "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\n",
      from_header(from), mail.to, encoded_header(mail.subject), date_of(mail.written_at), mail.message_id,
      domain);
  for (std::size_t at = 0; at < mail.text.size(); at += line_bytes)
    message += base64(std::string_view(mail.text).substr(at, line_bytes)) + "\r\n";
  return message;
}

struct Upload {
  const std::string message;
  std::size_t sent = 0;
};

std::size_t read_upload(char* out, std::size_t size, std::size_t count, void* data) {
  auto& upload = *static_cast<Upload*>(data);
  const std::size_t length = std::min(size * count, upload.message.size() - upload.sent);
  std::copy_n(upload.message.data() + upload.sent, length, out);
  upload.sent += length;
  return length;
}

int is_over(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopped)->load() ? 1 : 0;
}

std::size_t discard(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

/// What curl and the server's last answer say together.
MailAnswer answer_of(CURLcode code, long reply) {
  if (code == CURLE_OK) return {};
  const std::string reason = fmt::format("{}{}", curl_easy_strerror(code),
                                         reply > 0 ? fmt::format("; the server answered {}", reply) : "");
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_LOGIN_DENIED:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_ABORTED_BY_CALLBACK:
      return {MailOutcome::unreachable, reason};
    default:
      break;
  }
  const bool silent = code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_OPERATION_TIMEDOUT;
  if (silent && reply == 0) return {MailOutcome::unreachable, reason};
  // 421 ends a session, and the login is the same for every mail.
  if (reply == 421 || reply == 530 || reply == 535) return {MailOutcome::unreachable, reason};
  if (reply >= 500 && reply < 600) return {MailOutcome::refused, reason};
  return {MailOutcome::again, reason};
}

}  // namespace

std::string encoded_header(std::string_view text) {
  constexpr std::size_t plain_bytes = 60, word_bytes = 42;  // 42 bytes are 56 letters: a word has 75 at most.
  const bool plain = text.size() <= plain_bytes && std::all_of(text.begin(), text.end(), is_plain) &&
                     text.find("=?") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string words;
  while (!text.empty()) {
    std::size_t size = std::min(word_bytes, text.size());
    while (size > 1 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
    std::string word(text.substr(0, size));
    std::replace_if(
        word.begin(), word.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
    words += fmt::format("{}=?UTF-8?B?{}?=", words.empty() ? "" : "\r\n ", base64(word));
    text.remove_prefix(size);
  }
  return words;
}

std::string address_in(const std::string& from) {
  const auto open = from.find('<');
  if (open == std::string::npos) return from;
  const auto close = from.find('>', open);
  return close + 1 != from.size() ? "" : from.substr(open + 1, close - open - 1);
}

std::string trouble_with(const SmtpSettings& settings) {
  const bool own_tls = settings.url.starts_with("smtps://");
  if (!own_tls && !settings.url.starts_with("smtp://")) return "write smtp://HOST:PORT or smtps://HOST:PORT";
  const std::string host = settings.url.substr(own_tls ? 8 : 7);
  if (host.empty() || host.find_first_of("/@ ?#") != std::string::npos)
    return "write smtp://HOST:PORT; the user has a setting of its own";
  if (!is_address(address_in(settings.from))) return "mail.from has no e-mail address";
  if (!settings.credential.empty() && settings.credential.find(':') == std::string::npos)
    return "mail.credential: write user:password";
  return {};
}

struct SmtpTransport::Connection {
  Connection() : handle(curl_easy_init()) {
    if (handle == nullptr) throw std::runtime_error("libcurl cannot start");
  }
  Connection(const Connection&) = delete;
  ~Connection() { curl_easy_cleanup(handle); }
  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_easy_setopt(handle, option, value) != CURLE_OK)
      throw std::runtime_error(fmt::format("libcurl refuses option {}", static_cast<int>(option)));
  }
  CURL* handle;
};

SmtpTransport::SmtpTransport(SmtpSettings settings)
    : settings_(std::move(settings)), connection_(std::make_unique<Connection>()) {
  Connection& to = *connection_;
  to.set(CURLOPT_URL, settings_.url.c_str());
  to.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  to.set(CURLOPT_PROXY, "");  // Also none of the environment's.
  to.set(CURLOPT_NOSIGNAL, 1L);
  to.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_time_max.count()));
  to.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(settings_.connect_time_max.count() / 1000));
  to.set(CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.send_time_max.count()));
  to.set(CURLOPT_USE_SSL,
         static_cast<long>(settings_.tls == SmtpTls::required ? CURLUSESSL_ALL : CURLUSESSL_NONE));
  if (!settings_.ca_file.empty()) to.set(CURLOPT_CAINFO, settings_.ca_file.c_str());
  if (!settings_.credential.empty()) to.set(CURLOPT_USERPWD, settings_.credential.c_str());
  to.set(CURLOPT_NOPROGRESS, 0L);
  to.set(CURLOPT_XFERINFOFUNCTION, &is_over);
  to.set(CURLOPT_XFERINFODATA, static_cast<void*>(&stopped_));
  to.set(CURLOPT_WRITEFUNCTION, &discard);
  to.set(CURLOPT_UPLOAD, 1L);
  to.set(CURLOPT_READFUNCTION, &read_upload);
}

SmtpTransport::~SmtpTransport() = default;

MailAnswer SmtpTransport::deliver(const MailToSend& mail) try {
  if (!is_address(mail.to)) return {MailOutcome::refused, "the recipient's address is not one for SMTP"};
  Connection& to = *connection_;
  const std::string sender = address_in(settings_.from);
  List recipients;
  add_line(recipients, '<' + mail.to + '>');
  Upload upload{message_of(mail, settings_.from, sender.substr(sender.find('@') + 1))};
  const std::string from = '<' + sender + '>';
  to.set(CURLOPT_MAIL_FROM, from.c_str());
  to.set(CURLOPT_MAIL_RCPT, recipients.get());
  to.set(CURLOPT_READDATA, static_cast<void*>(&upload));
  const CURLcode code = curl_easy_perform(to.handle);
  long reply = 0;
  curl_easy_getinfo(to.handle, CURLINFO_RESPONSE_CODE, &reply);
  to.set(CURLOPT_MAIL_RCPT, static_cast<curl_slist*>(nullptr));  // It lives no longer than this call.
  return answer_of(code, reply);
} catch (const std::exception& error) {
  return {MailOutcome::again, error.what()};
}

}  // namespace market::mail
