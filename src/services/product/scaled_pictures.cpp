#include "services/product/scaled_pictures.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "wire/image/scaled_images.hpp"

namespace market::product {

Task<OpenPictures::Picture> ScaledPictures::whole(std::string hash) {
  auto picture = open_.find(hash);
  if (picture) co_return picture;
  auto bytes = co_await pictures_.load(hash);
  if (!bytes) co_return fail(bytes.error());
  co_return open_.share(hash, std::make_shared<const std::string>(std::move(*bytes)));
}

Task<OpenPictures::Picture> ScaledPictures::kept(std::string hash, std::uint32_t width) {
  const std::string name = hash + '.' + std::to_string(width);
  auto copy = open_.find(name);
  if (copy) co_return copy;
  auto bytes = co_await sizes_.find(hash, width);
  if (!bytes && bytes.error().code != Code::not_found) co_return fail(bytes.error());
  if (!bytes) co_return OpenPictures::Picture();
  co_return open_.share(name, std::make_shared<const std::string>(std::move(*bytes)));
}

bool ScaledPictures::may_begin(const std::string& hash) {
  const std::lock_guard lock(mutex_);
  return being_made_.insert(hash).second;
}
void ScaledPictures::end(const std::string& hash, bool hopeless) {
  const std::lock_guard lock(mutex_);
  being_made_.erase(hash);
  if (hopeless_.size() >= hopeless_max) hopeless_.clear();
  if (hopeless) hopeless_.insert(hash);
}
bool ScaledPictures::rests(const std::string& hash) {
  if (clock_.now() < rests_until_.load()) return true;
  const std::lock_guard lock(mutex_);
  return hopeless_.contains(hash);
}

/// All widths at once: decoding is most of the work.
Task<> ScaledPictures::make(std::string hash, OpenPictures::Picture picture) {
  auto work = [picture = std::move(picture)] { return wire::scaled_images(*picture); };
  auto made = co_await decoding_.run("copies", std::move(work));
  if (!made) co_return fail(made.error());
  for (wire::ScaledImage& each : *made) {
    const auto kept = co_await sizes_.keep(hash, each.width, std::move(each.webp));
    if (!kept) co_return fail(kept.error());
  }
  co_return Result<>();
}

/// Whoever makes the sizes: behind him others may begin anew, also when he ended by an exception.
struct ScaledPictures::Making {
  ScaledPictures& pictures;
  const std::string& hash;
  bool hopeless = false;
  ~Making() { pictures.end(hash, hopeless); }
};

Task<ShownPicture> ScaledPictures::load(std::string hash, std::uint32_t width) {
  constexpr Millis pause{20};
  constexpr int looks_max = 250;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  bool tried = width == 0;
  for (int look = 0; !tried && look < looks_max; ++look) {
    auto copy = co_await kept(hash, width);
    if (copy && *copy) co_return ShownPicture{std::move(*copy), true};
    if (!copy || rests(hash)) break;  // The picture itself is better than none.
    auto picture = co_await whole(hash);
    if (!picture) co_return fail(picture.error());
    if (wire::upright_width_of(**picture) <= width) co_return ShownPicture{std::move(*picture), true};
    if (may_begin(hash)) {
      Making making{*this, hash};
      const auto made = co_await make(hash, std::move(*picture));
      making.hopeless = !made && made.error().code == Code::validation;
      if (!made && !making.hopeless && made.error().code != Code::overloaded)
        rests_until_.store(clock_.now() + rest_after_failure);
      tried = !made;
      continue;
    }
    timer.expires_after(pause);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  auto picture = co_await whole(hash);
  if (!picture) co_return fail(picture.error());
  co_return ShownPicture{std::move(*picture), width == 0};
}

}  // namespace market::product
