/* Learns rows from the serial port, the numbers of a row and its label a line, and answers what it had predicted. Where rows are
 * learned alone there is no label. A number that is missing is nan in the model, and can't be sent this way. */
#include <headwater.h>

static double x[MODEL_INPUTS + 1];
static float p[MODEL_OUTPUTS];
static long rows = 0;

void setup()
{
    Serial.begin(115200);
    Serial.setTimeout(60000);
    if (model_begin() < 0)
        Serial.println("The arena is too small.");
}

void loop()
{
    if (!Serial.available())
        return;
    for (int i = 0; i < MODEL_INPUTS; i++)
        x[i] = Serial.parseFloat();
    double y = MODEL_SCORES ? 0 : Serial.parseFloat();
    while (Serial.available() && Serial.read() != '\n') /* to the end of the line */
        ;
    if (model_learn(x, y, 1, p) < 0)
        return; /* a label that can't be */
    rows += 1;
    for (int j = 0; j < MODEL_OUTPUTS; j++) {
        Serial.print(p[j], 6);
        Serial.print(j + 1 < MODEL_OUTPUTS ? " " : "\n");
    }
}
