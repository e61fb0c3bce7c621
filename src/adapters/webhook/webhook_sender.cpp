#include "adapters/webhook/webhook_sender.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <stdexcept>

#include "http/message/ascii.hpp"
#include "wire/auth/hmac_sha256.hpp"

namespace market::webhook {
namespace {

constexpr std::size_t url_bytes_max = 2'000, answer_bytes_max = 65'536, secret_bytes = 24;
constexpr std::string_view secret_mark = "whsec_";

template <class Bytes>
std::string base64(const Bytes& bytes) {
  std::vector<unsigned char> out((bytes.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + size};
}

std::string key_of(std::string_view secret) {
  if (secret.starts_with(secret_mark)) secret.remove_prefix(secret_mark.size());
  std::vector<unsigned char> key(secret.size());
  const int size = EVP_DecodeBlock(key.data(), reinterpret_cast<const unsigned char*>(secret.data()),
                                   static_cast<int>(secret.size()));
  // Our secrets are of whole groups: nothing is padded.
  return size < 0 ? std::string() : std::string(key.begin(), key.begin() + size);
}

struct EndEasy {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct EndList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct EndUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct EndText {
  void operator()(char* text) const { curl_free(text); }
};

template <class Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (curl_easy_setopt(handle, option, value) != CURLE_OK)
    throw std::runtime_error(fmt::format("libcurl refuses option {}", static_cast<int>(option)));
}

/// Nothing of an answer but its status is used; one that does not end is given up. libcurl itself keeps all
/// trailers in memory, however many come.
struct Answered {
  std::size_t bytes = 0;
  bool head_ended = false;
};
std::size_t count(Answered& answered, std::size_t more) {
  answered.bytes += more;
  return answered.bytes > answer_bytes_max ? 0 : more;
}
std::size_t count_body(char*, std::size_t size, std::size_t items, void* answered) {
  return count(*static_cast<Answered*>(answered), size * items);
}
/// Line by line: of the head, and of the trailers.
std::size_t count_field(char* line, std::size_t size, std::size_t items, void* answered) {
  auto& all = *static_cast<Answered*>(answered);
  const std::string_view text(line, size * items);
  all.head_ended = all.head_ended || text == "\r\n" || text == "\n";
  return count(all, text.size());
}

int is_over(void* stopped, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stopped)->load() ? 1 : 0;
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  const std::unique_ptr<char, EndText> freed(text);
  return text;
}

bool is_plain(std::string_view url) {
  constexpr std::string_view scheme = "http:";
  return http::same_letters(url.substr(0, scheme.size()), scheme);
}

}  // namespace

bool is_public_address(const std::string& text) {
  static const std::vector<http::Network> inside = [] {
    std::vector<http::Network> all;
    for (const char* network :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
          "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
          "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
          "224.0.0.0/3",
          // Of 2000::/3: Teredo, benchmarks, ORCHID, documentation, and 6to4, which leads to IPv4 addresses.
          "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"})
      all.emplace_back(network);
    return all;
  }();
  static const http::Network unicast("2000::/3");
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(text, error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  const std::string plain = address.is_v6()
                                ? boost::asio::ip::address_v6(address.to_v6().to_bytes()).to_string()
                                : address.to_string();
  if (address.is_v6() && !unicast.contains(std::string_view(plain))) return false;
  return std::none_of(inside.begin(), inside.end(),
                      [&](const http::Network& each) { return each.contains(std::string_view(plain)); });
}

std::string signature_of(const WebhookPost& post) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(post.at.time_since_epoch()).count();
  const std::string content = fmt::format("{}.{}.{}", post.id, seconds, post.body);
  std::string all;
  for (const std::string& secret : post.secrets)
    all +=
        fmt::format("{}v1,{}", all.empty() ? "" : " ", base64(wire::HmacSha256(key_of(secret)).of(content)));
  return all;
}

HttpWebhookSender::HttpWebhookSender(SenderSettings settings, RandomSource& random)
    : settings_(std::move(settings)), random_(random) {}

std::string HttpWebhookSender::new_secret() {
  std::array<std::uint8_t, secret_bytes> bytes;
  random_.fill(bytes);
  return std::string(secret_mark) + base64(bytes);
}

/// `plain`: without TLS, which is for the networks that are named alone.
bool HttpWebhookSender::may_reach(const std::string& address, bool plain) const {
  if (is_public_address(address) && !plain) return true;
  return std::any_of(settings_.private_networks.begin(), settings_.private_networks.end(),
                     [&](const http::Network& each) { return each.contains(std::string_view(address)); });
}

std::string HttpWebhookSender::trouble_with(const std::string& text) const {
  if (text.empty() || text.size() > url_bytes_max) return "must have 1 to 2000 characters";
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; }))
    return "must be a URL in ASCII";
  const std::unique_ptr<CURLU, EndUrl> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
    return "must be a URL such as https://example.com/hook";
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && (scheme != "http" || settings_.private_networks.empty())) return "must be https";
  if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
    return "must have no user or password";
  std::string host = part_of(url.get(), CURLUPART_HOST);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  // Decimal, octal and short forms were brought into the usual one above. Names are judged by where they
  // lead.
  const bool plain = scheme == "http";
  if (!no_address && !may_reach(host, plain))
    return plain && is_public_address(host) ? "must be https" : "must not lead to an address inside";
  return {};
}

FairPool& HttpWebhookSender::pool_of(bool seller) {
  const std::lock_guard lock(mutex_);
  auto& pool = seller ? of_sellers_ : of_operators_;
  constexpr int of_each[] = {webhooks_max, webhooks_of_sellers_max};
  if (!pool) pool.emplace(static_cast<unsigned>(of_each[seller]), static_cast<std::size_t>(of_each[seller]));
  return *pool;
}

void HttpWebhookSender::stop() {
  stopped_.store(true);
  const std::lock_guard lock(mutex_);
  for (auto* pool : {&of_operators_, &of_sellers_})
    if (*pool) (*pool)->stop();
}

/// Whose connection it is. A name is judged by the address that it leads to.
struct HttpWebhookSender::Opening {
  const HttpWebhookSender& sender;
  bool plain;
};

Task<WebhookAnswer> HttpWebhookSender::stopped() {
  co_return fail(Code::unavailable, "this server is shutting down");
}

Task<WebhookAnswer> HttpWebhookSender::post_event(WebhookPost post) {
  if (stopped_.load()) return stopped();  // A pool that has ended answers nobody.
  FairPool& pool = pool_of(bool(post.seller));
  std::string whose = post.seller.text();
  return pool.run(std::move(whose),
                  [this, post = std::move(post)]() -> Result<WebhookAnswer> { return perform(post); });
}

int HttpWebhookSender::open_socket(void* opening, int, void* given) {
  const auto& from = *static_cast<const Opening*>(opening);
  const auto* to = static_cast<const curl_sockaddr*>(given);
  // libcurl's structure ends in a buffer that holds any address.
  std::string address;
  if (to->family == AF_INET || to->family == AF_INET6) {
    boost::system::error_code error;
    boost::asio::ip::tcp::endpoint endpoint;
    if (to->addrlen <= endpoint.capacity()) {
      std::memcpy(endpoint.data(), &to->addr, to->addrlen);
      address = endpoint.address().to_string();
    }
  }
  if (const auto scope = address.find('%'); scope != std::string::npos) address.resize(scope);
  if (address.empty() || !from.sender.may_reach(address, from.plain)) return CURL_SOCKET_BAD;
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

WebhookAnswer HttpWebhookSender::perform(const WebhookPost& post) const try {
  if (stopped_.load()) return {0, "this server is shutting down"};  // It waited for its turn.
  if (auto trouble = trouble_with(post.url); !trouble.empty()) return {0, "the URL " + trouble};
  const std::unique_ptr<CURL, EndEasy> easy(curl_easy_init());
  if (!easy) return {0, "libcurl cannot start"};
  CURL* const to = easy.get();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(post.at.time_since_epoch()).count();
  std::unique_ptr<curl_slist, EndList> headers;
  for (const std::string& line :
       {std::string("Content-Type: application/json"), std::string("Expect:"), "webhook-id: " + post.id,
        fmt::format("webhook-timestamp: {}", seconds), "webhook-signature: " + signature_of(post)}) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
  Answered answered;
  set(to, CURLOPT_URL, post.url.c_str());
  set(to, CURLOPT_PROTOCOLS_STR, "https,http");
  set(to, CURLOPT_FOLLOWLOCATION, 0L);
  set(to, CURLOPT_PROXY, "");
  set(to, CURLOPT_NOSIGNAL, 1L);
  set(to, CURLOPT_USERAGENT, "E-Commerce-Market-Webhooks");
  set(to, CURLOPT_HTTPHEADER, headers.get());
  set(to, CURLOPT_POST, 1L);
  set(to, CURLOPT_POSTFIELDS, post.body.c_str());
  set(to, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set(to, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_time_max.count()));
  set(to, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.answer_time_max.count()));
  set(to, CURLOPT_WRITEFUNCTION, &count_body);
  set(to, CURLOPT_WRITEDATA, static_cast<void*>(&answered));
  set(to, CURLOPT_HEADERFUNCTION, &count_field);
  set(to, CURLOPT_HEADERDATA, static_cast<void*>(&answered));
  set(to, CURLOPT_NOPROGRESS, 0L);
  set(to, CURLOPT_XFERINFOFUNCTION, &is_over);
  set(to, CURLOPT_XFERINFODATA, const_cast<void*>(static_cast<const void*>(&stopped_)));
  Opening opening{*this, is_plain(post.url)};
  curl_opensocket_callback open = [](void* from, curlsocktype purpose, curl_sockaddr* address) {
    return curl_socket_t(open_socket(from, static_cast<int>(purpose), address));
  };
  set(to, CURLOPT_OPENSOCKETFUNCTION, open);
  set(to, CURLOPT_OPENSOCKETDATA, static_cast<void*>(&opening));
  if (!settings_.ca_file.empty()) set(to, CURLOPT_CAINFO, settings_.ca_file.c_str());
  const CURLcode code = curl_easy_perform(to);
  long status = 0;
  curl_easy_getinfo(to, CURLINFO_RESPONSE_CODE, &status);
  if (answered.bytes > answer_bytes_max) return {static_cast<int>(status), "the answer does not end"};
  if (code != CURLE_OK) return {static_cast<int>(status), curl_easy_strerror(code)};
  if (!answered.head_ended) return {static_cast<int>(status), "the answer ended in its head"};
  if (status >= 200 && status < 300) return {static_cast<int>(status), {}};
  if (status >= 300 && status < 400) return {static_cast<int>(status), "redirects are not followed"};
  return {static_cast<int>(status), fmt::format("the receiver answered {}", status)};
} catch (const std::exception& error) {
  return {0, error.what()};
}

}  // namespace market::webhook
