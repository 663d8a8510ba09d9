// Stop box for daydreamer: one line of heartbeat every 20 ms, and at once when the button changes.
// The line is explained in README.md. Any board of the Arduino class will do; the button's contact is normally closed.

const int BUTTON = 2;                 // to GND through the contact: LOW while released, HIGH when pressed or a wire is off
const unsigned long BEAT = 20;        // ms between two lines
byte counter = 0;
bool pressed = true;
unsigned long said = 0;

void setup() {
  pinMode(BUTTON, INPUT_PULLUP);
  Serial.begin(115200);
}

void loop() {
  bool now = digitalRead(BUTTON) == HIGH;
  if (now == pressed && millis() - said < BEAT) return;
  pressed = now;
  said = millis();
  char line[9];
  sprintf(line, "S%02X%c", counter++, pressed ? 'P' : 'R');
  byte check = line[0] ^ line[1] ^ line[2] ^ line[3];
  sprintf(line + 4, "%02X\n", check);
  Serial.print(line);
}
