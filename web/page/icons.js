// Material Icons worth offering: the ligature, then words to find it by. Pure.
const OFFERED = `
check_circle ok done success green tick
check ok done tick
done_all read seen
verified trust badge approved
thumb_up like good yes
thumb_down dislike bad no
cancel close no cross
error problem fail alert
warning caution alert danger
report problem stop
info about note
help question
lightbulb idea tip
priority_high important exclamation
notifications bell alert
notifications_active bell ring alert
campaign announce megaphone news
email mail message letter
mark_email_unread mail new letter
inbox mail tray
forum talk discussion chat
chat message talk comment
chat_bubble message talk comment
comment message note
sms message text phone
send plane go
reply answer back
share send
phone call
videocam video call camera
mic microphone voice record
headphones music listen
music_note sound song
volume_up sound loud
play_arrow start run
play_circle start run
pause wait hold
stop end halt
replay again repeat
person user human face
group people users team
person_add user new invite
groups people team
face person user
mood smile happy
sentiment_satisfied smile happy
sentiment_dissatisfied sad unhappy
favorite heart love like
star favourite rate
emoji_events trophy win cup award
celebration party success
cake birthday party
redeem gift present
card_giftcard gift present
rocket_launch deploy release start ship
bolt fast flash energy lightning
flash_on fast lightning energy
auto_awesome magic new sparkle
new_releases new version badge
update refresh version
upgrade version up
system_update download version
build tool wrench repair
construction work build
settings gear options
tune options settings
bug_report bug error issue
code program source developer
terminal shell command console
data_object json code braces
integration_instructions code steps
api interface
webhook hook http
memory chip cpu hardware
storage disk server database data sql
dns server host
cloud weather server
cloud_done saved sync
cloud_upload upload save
cloud_download download
cloud_off offline
backup save cloud
sync refresh again
sync_problem error refresh
refresh again reload
autorenew again cycle
wifi network online
wifi_off network offline
lan network
router network
public world web globe internet
language world web globe
link chain url
lock secure private
lock_open open
key password secret
password secret stars
vpn_key password secret
security shield safe
shield safe protect
fingerprint identity
visibility see eye watch
visibility_off hide eye
search find look
zoom_in bigger find
home house start
business office building company
store shop
shopping_cart shop buy order
shopping_bag shop buy order
local_shipping truck delivery parcel
inventory box stock parcel
inventory_2 box stock parcel
payments money pay cash
credit_card money pay
account_balance bank money
attach_money dollar price
euro money price
savings money pig
receipt bill invoice
receipt_long bill invoice
trending_up chart grow price
trending_down chart fall price
show_chart graph price
bar_chart graph statistics
pie_chart graph statistics
analytics graph statistics
insights graph statistics
leaderboard graph rank
speed fast gauge performance
timer time clock
schedule time clock
alarm time clock wake
hourglass_empty wait time
hourglass_top wait time
history time past
today date calendar
event date calendar
calendar_month date
event_available date calendar done
folder files directory
folder_open files directory
description file document text
article file document news
note_add file new
feed news rss
rss_feed news
picture_as_pdf file document
image picture photo
photo_camera picture camera
attach_file clip file
content_copy copy
content_paste paste clipboard
edit pen write change
delete remove bin trash
add plus new
remove minus less
save disk keep
print paper
download down save
upload up
file_download down save
file_upload up
archive box store
bookmark keep mark
flag mark country
label tag
sell tag price
push_pin pin keep
place map location
map location
navigation arrow direction
explore compass
directions_car drive auto
directions_bike cycle
directions_bus transport
train transport rail
flight plane travel
hotel bed sleep
restaurant food eat
local_cafe coffee break
local_pizza food
fastfood food eat
fitness_center sport
sports_soccer sport ball
sports_esports game
school learn hat
menu_book read learn
work job case
science experiment lab flask
psychology brain think
medical_services health doctor
health_and_safety health
vaccines health
pets animal paw
park tree nature
eco leaf nature green
local_florist flower nature
water_drop rain wet
wb_sunny sun weather light
nightlight moon night dark
dark_mode moon night
light_mode sun day
ac_unit snow cold winter
thunderstorm weather
umbrella rain weather
local_fire_department fire hot
whatshot fire hot
power plug electric
battery_full power charge
battery_alert power low
smartphone phone mobile
computer laptop screen
desktop_windows screen computer
tv screen
watch time wear
smart_toy robot bot ai
extension plugin puzzle
widgets parts
dashboard overview
list items
checklist tasks todo
task_alt done todo
assignment task clipboard
login enter sign in
logout leave sign out
exit_to_app leave
open_in_new link window
arrow_upward up
arrow_downward down
arrow_forward next right
arrow_back previous left
swap_horiz exchange
block forbidden none
do_not_disturb forbidden quiet
waving_hand hello hi greet
handshake deal agree
volunteer_activism heart care
support_agent help service
accessibility person
translate language
gavel law judge
balance law scales
policy law
`;

const LIGATURE = /^[a-z0-9_]{2,64}$/;
const icons = OFFERED.trim().split("\n").map((line) => ({ name: line.split(" ")[0], words: ` ${line.replaceAll("_", " ")}` }));

export const offered = icons.map(({ name }) => name);

/** Names that match every word of the query; without one all, and "" for no icon. The font has more: `known` may know the query itself. */
export function find(query, known = () => false) {
  const words = query.toLowerCase().split(/[\s_]+/).filter(Boolean);
  if (words.length === 0) return ["", ...offered];
  const found = icons.filter((icon) => words.every((word) => icon.words.includes(` ${word}`))).map(({ name }) => name);
  const exact = words.join("_");
  return !found.includes(exact) && LIGATURE.test(exact) && known(exact) ? [exact, ...found] : found;
}
